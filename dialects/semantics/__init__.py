"""What the languages mean, executable: networks as ONNX graphs, and interpretation of any stage of the IR."""
