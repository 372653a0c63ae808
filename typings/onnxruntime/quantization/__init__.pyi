"""The part of ONNX Runtime's quantiser that tests use."""

from collections.abc import Mapping, Sequence
from enum import Enum
from os import PathLike
from typing import Any

class CalibrationDataReader:
    def get_next(self) -> dict[str, Any]: ...

class QuantFormat(Enum):
    QOperator = ...
    QDQ = ...

class QuantType(Enum):
    QInt8 = ...
    QUInt8 = ...

def quantize_dynamic(
    model_input: str | PathLike[str],
    model_output: str | PathLike[str],
    *,
    per_channel: bool = ...,
    reduce_range: bool = ...,
    weight_type: QuantType = ...,
) -> None: ...
def quantize_static(
    model_input: str | PathLike[str],
    model_output: str | PathLike[str],
    calibration_data_reader: CalibrationDataReader,
    *,
    quant_format: QuantFormat = ...,
    op_types_to_quantize: Sequence[str] | None = ...,
    per_channel: bool = ...,
    activation_type: QuantType = ...,
    weight_type: QuantType = ...,
    extra_options: Mapping[str, Any] | None = ...,
) -> None: ...
