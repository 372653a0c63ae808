"""The table of random operators is whole."""

from onnx import defs

from dialects.operator_effects import RANDOM


def test_operators_with_a_seed_are_random() -> None:
    """ONNX gives those that draw numbers a seed, and no others; `training_mode` is where the table says."""
    schemas = [schema for schema in defs.get_all_schemas() if "seed" in schema.attributes]
    assert {schema.name for schema in schemas} == set(RANDOM)
    for schema in schemas:
        switches = [i for i, given in enumerate(schema.inputs) if given.name == "training_mode"]
        assert switches == ([] if RANDOM[schema.name] is None else [RANDOM[schema.name]])
