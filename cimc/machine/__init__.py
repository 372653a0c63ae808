"""The machine: runs programs, and checks them against ONNX Runtime; it knows nothing of the compiler."""
