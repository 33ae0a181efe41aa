"""What is followed through objects, helper functions, loops over constants, texts, and what others give back."""

from __future__ import annotations

import pytest

from astrarium.explain.index.library import library
from tests.explain.test_followed import LINES, places, told

ASKED = """
tokenizer = AutoTokenizer.from_pretrained({base!r})
model = AutoModelForCausalLM.from_pretrained({base!r}, device_map="auto").eval()
tokenizer.pad_token = tokenizer.eos_token
batch = tokenizer(["a", "bb"], padding=True, return_tensors="pt").to(model.device)
out = model.generate(**batch, max_new_tokens=4)
"""


@pytest.mark.parametrize(
    ("base", "right"),
    [
        ("codellama/CodeLlama-7b-hf", False),
        ("google/gemma-2b", False),
        ("meta-llama/Llama-3.2-1B", True),
        ("HuggingFaceTB/SmolLM2-135M", True),
        ("Salesforce/codegen-350M-mono", True),
        ("me/unheard-of", True),
    ],
)
def test_the_side_is_that_of_the_installed_tokenizer_s_class(base: str, right: bool) -> None:
    assert places(ASKED.format(base=base), "right-padding") == ([("right-padding", 4)] if right else [])


def test_sides_and_enumerations_are_those_of_the_installed_version() -> None:
    transformers = library("transformers")
    assert transformers is not None
    assert transformers.sides["LlamaTokenizer"] == transformers.sides["llama"] == "left"
    assert "gpt2" not in transformers.sides
    assert transformers.checked["optim"] == "OptimizerNames"
    assert "adamw_torch" in transformers.constants["OptimizerNames"]


@pytest.mark.parametrize(
    ("given", "new"),
    [('"out", optim="adamw_hf"', 'optim="adamw_torch"'), ('"out", lr_scheduler_type="cosin"', '"cosine"'),
     ('"out", eval_strategy="epochs"', '"epoch"'), ('**{"output_dir": "out", "optim": "adamw_hf"}', '"adamw_torch"'),
     ('**{**{"optim": "adamw_hf"}, **read()}', '"adamw_torch"')],
)  # fmt: skip
def test_a_value_that_an_enumeration_no_longer_has(given: str, new: str) -> None:
    body = f"args = TrainingArguments({given})\n"
    assert places(body, "value-gone") == [("value-gone", 1)]
    mended = told(body).mended
    assert new in mended
    assert places(mended.split("\n", LINES)[-1], "value-gone") == []


def test_other_values_of_enumerations() -> None:
    assert places('c = LoraConfig(task_type="CAUSALLM")', "value-gone") == [("value-gone", 1)]
    assert places('c = LoraConfig(task_type="CAUSAL_LM")', "value-gone") == []
    body = 'tok = AutoTokenizer.from_pretrained("gpt2")\nids = tok("a", padding="max", truncation="longest_first")\n'
    assert places(body, "value-gone") == [("value-gone", 2)]


BOS = """
tokenizer = AutoTokenizer.from_pretrained({base!r})
ids = tokenizer({text}, return_tensors="pt")
"""


@pytest.mark.parametrize(
    "text",
    ["tokenizer.bos_token + text", 'f"{tokenizer.bos_token}{text}"',
                                  "[tokenizer.bos_token + one for one in rows]",
     '"{}x".format(tokenizer.bos_token)'],
)  # fmt: skip
def test_the_tokenizer_s_own_beginning(text: str) -> None:
    twice = [("special-tokens-twice", 2)]
    assert places(BOS.format(base="codellama/CodeLlama-7b-hf", text=text)) == twice
    assert places(BOS.format(base="Qwen/Qwen2.5-Coder-1.5B", text=text)) == []
    other = text.replace("bos_token", "eos_token")
    assert places(BOS.format(base="codellama/CodeLlama-7b-hf", text=other)) == []


@pytest.mark.parametrize(
    "loop",
    [
        'for one in ["lora", "adapterh"]:\n    load(f"bigcode/astraios-1b-{one}")',
        'for i, one in enumerate(("lora", "adapterh")):\n    load("bigcode/astraios-1b-" + one)',
        'for one in {"lora": 1, "adapterh": 2}:\n    load("bigcode/astraios-1b-{}".format(one))',
        'for name, one in {"a": "lora", "b": "adapterh"}.items():\n    load("bigcode/astraios-1b-%s" % one)',
        '[load(f"bigcode/astraios-1b-{one}") for one in ("lora", "adapterh")]',
    ],
)
def test_names_from_a_loop_over_constants(loop: str) -> None:
    body = f"""
def load(path):
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b"), path)


{loop}
"""
    found = [("adapter-method-unknown", 2)]
    assert places(body, "adapter-method-unknown") == found
    assert places(body.replace("adapterh", "ia3"), "adapter-method-unknown") == []


LOST = """
from peft import PrefixTuningConfig
def attach(base):
    {given} get_peft_model(base, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4))
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
{called}
PeftModel
{used}.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=4)
"""


def test_an_adapter_that_a_helper_attaches() -> None:
    lost = LOST.format(given="return", called="tuned = attach(model)", used="model")
    assert places(lost, "adapter-lost") == [("adapter-lost", 8)]
    assert "\ntuned.generate(" in told(lost).mended
    assert places(LOST.format(given="return", called="tuned = attach(model)", used="tuned"), "adapter-lost") == []


def test_an_adapter_that_a_helper_does_not_give_back() -> None:
    body = LOST.format(given="", called="attach(model)", used="model")
    reading = told(body)
    (found,) = (one for one in reading.findings if one.id == "adapter-lost")
    assert found.line - LINES == 3
    assert found.mend.startswith("return it")
    assert reading.mended == reading.text  # `base = get_peft_model(base, …)` would end with the function


KEPT = """
class Run:
    def __init__(self):
        model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
        self.model, self.opt = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=1e-4))
        {more}

    def check(self, loader):
        self.model.eval()
        for batch in loader:
            {under}self.model(**batch)
        self.model.train()


Run().check([])
"""


@pytest.mark.parametrize(
    "more",
    ["pass", "self.model = torch.compile(self.model)", "self.model = torch.nn.DataParallel(self.model).module",
     "self.model = accelerator.unwrap_model(self.model)", "self.model = own(self.model)", "self.model.half().cuda()"],
)  # fmt: skip
def test_a_model_that_something_gives_back(more: str) -> None:
    assert places(KEPT.format(more=more, under=""), "gradients-on") == [("gradients-on", 10)]
    assert places(KEPT.format(more=more, under="with torch.no_grad(): "), "gradients-on") == []


PACKED = """
from dataclasses import dataclass
@dataclass
class Pack:
    model: object
    tokenizer: object
    size: int = 4

    @classmethod
    def open(cls):
        tokenizer = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono"{side})
        tokenizer.pad_token = tokenizer.eos_token
        return cls(AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono"), tokenizer)

    def batches(self, rows):
        for i in range(0, len(rows), self.size):
            yield self.tokenizer.pad([self.tokenizer(row) for row in rows], padding=True, return_tensors="pt")

    def answers(self, rows):
        for batch in self.batches(rows):
            yield from self.model.generate(**batch, max_new_tokens=4)


list(Pack.open().answers(["a", "bb"]))
"""


def test_a_dataclass_with_generators() -> None:
    assert places(PACKED.format(side=""), "right-padding") == [("right-padding", 16)]
    assert places(PACKED.format(side=', padding_side="left"'), "right-padding") == []


MAYBE = """
config = {config}
model = AutoModelForCausalLM.from_pretrained("gpt2", quantization_config=config)
if config is None:
    model = model.to("cuda")
"""


def test_a_move_where_nothing_is_quantised() -> None:
    one = "BitsAndBytesConfig(load_in_4bit=True)"
    assert places(MAYBE.format(config=f"{one} if asked else None"), "quantised-moved") == []
    moved = MAYBE.format(config=one).replace("if config is None:\n    ", "")
    assert places(moved, "quantised-moved") == [("quantised-moved", 3)]


BRANCHES = """
class Ask:
    def __init__(self, fast):
        self.tokenizer = AutoTokenizer.from_pretrained("gpt2")
        self.model = AutoModelForCausalLM.from_pretrained("gpt2")
        if fast:
            self.model = PeftModel.from_pretrained(self.model, "me/fast").cuda()
        else:
            self.other = None

    def ask(self, text):
        return self.model.generate(**self.tokenizer(text, return_tensors="pt"){length})


Ask(True).ask("a")
"""


def test_attributes_that_only_one_branch_changes() -> None:
    assert places(BRANCHES.format(length=""), "no-max-new-tokens") == [("no-max-new-tokens", 11)]
    assert places(BRANCHES.format(length=", max_new_tokens=4"), "no-max-new-tokens") == []


def test_what_is_handed_to_a_thread_is_walked_with_its_arguments() -> None:
    body = """
    def ask(model, text):
        return model.generate(**tokenizer(text, return_tensors="pt"))
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    own = AutoModelForCausalLM.from_pretrained("gpt2").to("cuda")
    {call}
    """
    for call in ("pool.submit(ask, own, 'a')", "Thread(target=ask, args=(own, 'a')).start()",
                 "partial(ask, own)('a')", "loop.run_in_executor(None, ask, own, 'a')"):  # fmt: skip
        found = places(body.format(call=call), "device-mismatch")
        assert found == [("device-mismatch", 2)], call


def test_a_second_loading_s_arguments_are_kept() -> None:
    body = """
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    tuned = PeftModel.from_pretrained(model, "me/lora")
    tuned = AutoModelForCausalLM.from_pretrained("gpt2", dtype="bfloat16")
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tuned.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=4)
    """
    reading = told(body)
    assert reading.mended.count('from_pretrained("gpt2", dtype="bfloat16")') == 1
    assert "tuned = AutoModel" not in reading.mended
    assert "belongs to the first: `dtype`" in next(one.mend for one in reading.findings if one.id == "adapter-lost")


def test_embeddings_by_the_base_s_own_names() -> None:
    body = """
    tokenizer = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono")
    tokenizer.add_tokens(["<new>"])
    model = AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono")
    model.resize_token_embeddings(len(tokenizer))
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["qkv_proj"]))
    """
    (found,) = (one for one in told(body).findings if one.id == "embeddings-not-saved")
    assert '["wte", "lm_head"]' in found.mend


@pytest.mark.parametrize(
    "kept",
    ["models = {name: load(name) for name in names}\nmodel = models[asked]",
     "models = {}\nfor name in names:\n    models[name] = load(name)\nmodel = models.get(asked)",
     "models = [load(name) for name in names]\nmodel = models[0]",
     "models = []\nfor name in names:\n    models.append(load(name))\nmodel = next(iter(models))"],
)  # fmt: skip
def test_models_that_a_dict_or_list_keeps(kept: str) -> None:
    body = f"""
def load(name):
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), name)


tokenizer = AutoTokenizer.from_pretrained("gpt2")
{kept}
out = model.generate(**tokenizer("a", return_tensors="pt"))
"""
    found = [("no-max-new-tokens", body.count("\n") - 1)]
    assert places(body) == found
    assert places(body.replace('"pt")', '"pt"), max_new_tokens=4')) == []


def test_a_dict_of_models_asked_by_a_name_of_a_loop() -> None:
    body = """
    from typing import NamedTuple
    class Pair(NamedTuple):
        model: object
        tokenizer: object
    pairs = {name: Pair(AutoModelForCausalLM.from_pretrained("gpt2").cuda(), AutoTokenizer.from_pretrained("gpt2"))
             for name in names}
    for name in names:
        model, tokenizer = pairs[name]
        model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=4)
    """
    assert places(body) == [("device-mismatch", 9)]


MADE = """
from dataclasses import dataclass
@dataclass
class Settings(TrainingArguments):
    longest: int = 1024
class Own(Trainer):
    def __init__(self, *given, alpha=1.0, **named):
        super().__init__(*given, **named)
settings = Settings("out", longest=3, learning_rate={rate}{more})
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
Own(model=model, args=settings, train_dataset=[], alpha=2.0).train()
model.save_pretrained("out")
"""


def test_classes_made_of_the_library_s() -> None:
    assert places(MADE.format(rate="1e-4", more="")) == []
    assert places(MADE.format(rate="1e-7", more=', evaluation_strategy="no"')) == [
        ("argument-gone", 8),
        ("learning-rate", 8),
    ]
