"""ONNX models as a reader of programs and networks looks at them: what they hold, and what must not be loaded."""
