"""ONNX files as modules of the `cim` dialect."""
