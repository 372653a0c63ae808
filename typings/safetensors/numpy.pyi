import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

def save_file(
    tensor_dict: Mapping[str, NDArray[np.generic]],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None: ...
def load_file(filename: str | os.PathLike[str]) -> dict[str, NDArray[np.generic]]: ...
