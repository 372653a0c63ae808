"""A small language model with a cache, in the names and shapes that a test asks for, and a tokenizer for it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper, parser

WIDTH, HEADS, SIZE, POSITIONS = 8, 2, 4, 96
GRAPH = """
g (int64[batch,sequence] input_ids, int64[batch,total] attention_mask, int64[batch,sequence] position_ids,
   float[batch,2,past,4] past_key_0, float[batch,2,past,4] past_value_0)
=> (float[batch,sequence,VOCABULARY] logits,
    float[batch,2,total,4] present_key_0, float[batch,2,total,4] present_value_0)
{
  token = Gather(embedding, input_ids)
  place = Gather(table, position_ids)
  x = Add(token, place)
  q = MatMul(x, query)
  q4 = Reshape(q, heads)
  qt = Transpose<perm=[0,2,1,3]>(q4)
  k = MatMul(x, key)
  k4 = Reshape(k, heads)
  kt = Transpose<perm=[0,2,1,3]>(k4)
  present_key_0 = Concat<axis=2>(past_key_0, kt)
  v = MatMul(x, value)
  v4 = Reshape(v, heads)
  vt = Transpose<perm=[0,2,1,3]>(v4)
  present_value_0 = Concat<axis=2>(past_value_0, vt)
  turned = Transpose<perm=[0,1,3,2]>(present_key_0)
  scores = MatMul(qt, turned)
  before = Shape<start=2,end=3>(past_key_0)
  all = Shape<start=2,end=3>(present_key_0)
  first = Squeeze(before)
  end = Squeeze(all)
  one = Constant<value_int=1>()
  zero = Constant<value_int=0>()
  rows = Range(first, end, one)
  columns = Range(zero, end, one)
  axis = Constant<value_ints=[1]>()
  standing = Unsqueeze(rows, axis)
  causal = LessOrEqual(columns, standing)
  axes = Constant<value_ints=[1,2]>()
  flag = Cast<to=9>(attention_mask)
  wide = Unsqueeze(flag, axes)
  seen = And(causal, wide)
  none = Constant<value_float=0.0>()
  much = Constant<value_float=-1e9>()
  bias = Where(seen, none, much)
  biased = Add(scores, bias)
  weights = Softmax<axis=-1>(biased)
  mixed = MatMul(weights, present_value_0)
  back = Transpose<perm=[0,2,1,3]>(mixed)
  flat = Reshape(back, whole)
  y = Add(x, flat)
  logits = MatMul(y, head)
}
"""
GROUPED = """
g (int64[batch,sequence] input_ids, int64[batch,total] attention_mask,
   float[batch,1,past,16] past_key_0, float[batch,1,past,16] past_value_0)
=> (float[batch,sequence,32] logits, float[batch,1,total,16] present_key_0, float[batch,1,total,16] present_value_0)
{
  x = Gather(embedding, input_ids)
  qkv = MatMul(x, packed)
  axis = Constant<value_ints=[1]>()
  sums = ReduceSum<keepdims=0>(attention_mask, axis)
  one = Constant<value_int=1>()
  last = Sub(sums, one)
  lasts = Cast<to=6>(last)
  shape = Shape<start=1,end=2>(attention_mask)
  all = Squeeze(shape)
  length = Cast<to=6>(all)
  mixed, present_key_0, present_value_0 = com.microsoft.GroupQueryAttention<num_heads=2,kv_num_heads=1,do_rotary=1>
    (qkv, "", "", past_key_0, past_value_0, lasts, length, cosines, sines)
  y = MatMul(mixed, out)
  z = Add(x, y)
  logits = MatMul(z, head)
}
"""
"""As ONNX Runtime's model builder writes it: packed, rotary inside, lengths from the mask."""
Model = Callable[..., Path]


def network(vocabulary: int, seed: int = 0) -> ModelProto:
    """The network above with random weights."""
    generator = np.random.default_rng(seed)
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> {GRAPH.replace("VOCABULARY", str(vocabulary))}'
    )
    shapes = {
        "embedding": (vocabulary, WIDTH),
        "table": (POSITIONS, WIDTH),
        "query": (WIDTH, WIDTH),
        "key": (WIDTH, WIDTH),
        "value": (WIDTH, WIDTH),
        "head": (WIDTH, vocabulary),
    }
    for name, shape in shapes.items():
        weight = generator.standard_normal(shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weight, name))
    for name, sizes in (("heads", [0, 0, HEADS, SIZE]), ("whole", [0, 0, WIDTH])):
        model.graph.initializer.append(numpy_helper.from_array(np.array(sizes, np.int64), name))
    return model


def renamed(model: ModelProto, names: Mapping[str, str]) -> None:
    """Gives inputs and outputs other names."""
    for entry in (*model.graph.input, *model.graph.output):
        entry.name = names.get(entry.name, entry.name)
    for node in model.graph.node:
        for values in (node.input, node.output):
            for i, name in enumerate(values):
                values[i] = names.get(name, name)


@pytest.fixture
def language_model(tmp_path: Path) -> Model:
    """Writes the network to a file; `names` are other names for ports, `change` may change what it likes."""

    def write(
        vocabulary: int = 32,
        names: Mapping[str, str] | None = None,
        change: Callable[[ModelProto], None] | None = None,
        seed: int = 0,
    ) -> Path:
        model = network(vocabulary, seed)
        renamed(model, names or {})
        if change is not None:
            change(model)
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.fixture
def grouped_model(tmp_path: Path) -> Path:
    """A language model with GroupQueryAttention, of 32 tokens, in a file."""
    generator = np.random.default_rng(0)
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> {GROUPED}')
    shapes = {"embedding": (32, 32), "packed": (32, 64), "out": (32, 32), "head": (32, 32)}
    weights = {name: generator.standard_normal(shape) for name, shape in shapes.items()}
    angles = np.arange(64)[:, np.newaxis] * 10000.0 ** (-np.arange(8) / 8)
    for name, weight in {**weights, "cosines": np.cos(angles), "sines": np.sin(angles)}.items():
        model.graph.initializer.append(numpy_helper.from_array(weight.astype(np.float32), name))
    names = {"past_key_0": "past_key_values.0.key", "past_value_0": "past_key_values.0.value"}
    renamed(model, names | {"present_key_0": "present.0.key", "present_value_0": "present.0.value"})
    path = tmp_path / "grouped.onnx"
    path.write_bytes(model.SerializeToString())
    return path


TEXT = ["the cat sat on the mat", "le café était fermé, voilà", "日本語のテキスト", "naïve façade 🙂 emoji", "the end"]


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder with a byte-level BPE tokenizer of some 300 tokens, <s> and </s> among them, and files of settings."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    def write(**files: object) -> Path:
        """`files` are contents by name, with `_json` and `_jinja` for what follows the dot."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
        )
        tokenizer.train_from_iterator(TEXT, trainer)
        folder = tmp_path / "tokenizer"
        folder.mkdir(exist_ok=True)
        tokenizer.save(str(folder / "tokenizer.json"))
        settings = {"tokenizer_config_json": {"bos_token": "<s>", "eos_token": {"content": "</s>"}}}
        for name, content in {**settings, **files}.items():
            stem, _, extension = name.rpartition("_")
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / f"{stem}.{extension}").write_text(text, encoding="utf-8")
        return folder

    return write
