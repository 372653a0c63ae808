"""From folders of checkpoints to ONNX networks, by the exporter that transformers carries."""
