"""What is followed through a script: tokenizers made apart, moves, dicts that are unpacked, methods handed on."""

from __future__ import annotations

import textwrap

import pytest

from astrarium.explain import read_text
from astrarium.explain.reading import Reading

HEAD = """\
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TrainingArguments
from transformers import DataCollatorForLanguageModeling, Trainer
"""
LINES = HEAD.count("\n")


def told(body: str) -> Reading:
    """The reading of a script that begins with the usual imports."""
    return read_text(HEAD + textwrap.dedent(body).lstrip("\n"))


def places(body: str, *ids: str) -> list[tuple[str, int]]:
    """Rule and line, of the body alone, of what is found; of these rules, or of all."""
    return [(one.id, one.line - LINES) for one in told(body).findings if not ids or one.id in ids]


TUNED = """
def tune():
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = tokenizer.{pad}
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
    collator = DataCollatorForLanguageModeling({given}, mlm=False)
    Trainer(model=model, args=TrainingArguments("out"), train_dataset=[], data_collator=collator).train()
    model.save_pretrained("out")


def ask(prompts):
    tokenizer = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2").eval()
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=8)
    return tokenizer.batch_decode(out[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)
"""


@pytest.mark.parametrize("given", ["tokenizer", "tokenizer=tokenizer"])
def test_the_padding_of_another_tokenizer_is_no_concern_of_the_collator(given: str) -> None:
    assert places(TUNED.format(pad="unk_token", given=given)) == []
    assert places(TUNED.format(pad="eos_token", given=given)) == [("pad-is-eos", 3)]


def test_a_collator_whose_tokenizer_is_not_known_may_have_either() -> None:
    assert places(TUNED.format(pad="unk_token", given="made_elsewhere")) == [("pad-is-eos", 12)]


MASKED = """
class Tuning:
    def __init__(self, name):
        self.tok = AutoTokenizer.from_pretrained(name)
        self.other = AutoTokenizer.from_pretrained(name)
        self.{padded}.pad_token = self.{padded}.eos_token
        self.model = get_peft_model(AutoModelForCausalLM.from_pretrained(name), LoraConfig(r=8))

    def collate(self, rows):
        batch = self.tok(rows, padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        labels[labels == self.tok.pad_token_id] = -100
        return {{**batch, "labels": labels}}

    def fit(self, rows):
        for batch in torch.utils.data.DataLoader(rows, collate_fn=self.collate):
            self.model(**batch).loss.backward()
        self.model.save_pretrained("out")


Tuning("gpt2").fit([])
"""


def test_a_method_that_is_handed_on_is_read_with_its_object() -> None:
    assert places(MASKED.format(padded="tok"), "pad-is-eos") == [("pad-is-eos", 5)]
    assert places(MASKED.format(padded="other"), "pad-is-eos") == []


@pytest.mark.parametrize(
    "made",
    [
        'ids = batch["input_ids"]',
        "ids = batch.input_ids",
        "ids = torch.tensor([[1, 2]])",
        "ids = torch.ones(1, 4)",
        'ids = tokenizer.encode("a", return_tensors="pt")',
    ],
)
def test_a_tensor_s_move_is_thrown_away(made: str) -> None:
    body = f"""
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2").to("cuda").eval()
for batch in loader:
    {made}
    ids.to("cuda")
    model.generate(ids, max_new_tokens=4)
"""
    reading = told(body)
    assert [(one.id, one.line - LINES) for one in reading.findings] == [("to-unused", 5)]
    assert '    ids = ids.to("cuda")\n' in reading.mended
    assert places(body.replace("    ids.to", "    ids = ids.to")) == []


def test_tensors_moved_one_by_one_and_thrown_away() -> None:
    body = """
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2").to("cuda").eval()
    batch = tokenizer("a", return_tensors="pt")
    for name, tensor in batch.items():
        tensor.to("cuda")
    model.generate(**batch, max_new_tokens=4)
    """
    reading = told(body)
    assert [(one.id, one.line - LINES) for one in reading.findings] == [("to-unused", 5)]
    assert reading.mended == reading.original, "an assignment to the loop's name would mend nothing"


@pytest.mark.parametrize(
    ("dtype", "found"),
    [
        ("torch.float32", True),
        ('"float32"', True),
        ("None", False),  # as where it is not given: "auto"
        ("torch.float32 if cpu else torch.bfloat16", False),
        ("torch.bfloat16 if cuda else torch.float32", False),
        ("torch.float32 if cpu else torch.float32", True),
    ],
)
def test_fp32_is_told_where_it_is_sure(dtype: str, found: bool) -> None:
    body = f'model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", dtype={dtype})'
    assert bool(places(body, "fp32-large-model")) is found


def test_full_tuning_holds_fp32_on_purpose_and_an_adapter_s_base_does_not() -> None:
    body = """
    model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-7b")
    Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-5), train_dataset=[]).train()
    """
    assert places(body, "fp32-large-model") == []
    wrapped = body.replace("    Trainer(", "    model = get_peft_model(model, LoraConfig(r=8))\n    Trainer(")
    assert places(wrapped, "fp32-large-model") == [("fp32-large-model", 1)]


def test_a_trainer_that_is_asked_for_a_second_adapter() -> None:
    body = """
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=8)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), config)
    trainer = SFTTrainer(model, args=SFTConfig("out"), train_dataset=[], peft_config=config)
    trainer.train()
    """
    assert places(body) == [("adapter-wrapped-twice", 5)]
    mended = told(body).mended
    assert 'SFTTrainer(model, args=SFTConfig("out"), train_dataset=[])' in mended
    assert read_text(mended).findings == ()
    assert places(body.replace("peft_config=config", "peft_config=None")) == []
    fresh = 'get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), config)'
    loaded = body.replace(
        fresh, 'PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), "me/one", is_trainable=True)'
    )
    assert places(loaded, "adapter-wrapped-twice") == [("adapter-wrapped-twice", 5)]
    assert told(loaded).mended == told(loaded).original, "which of the two adapters is meant is not plain"


def test_the_base_is_named_where_it_is_handed_over() -> None:
    body = """
    def write(model):
        return model.generate(**AutoTokenizer.from_pretrained("gpt2")("a", return_tensors="pt"), max_new_tokens=4)


    base = AutoModelForCausalLM.from_pretrained("gpt2").eval()
    tuned = PeftModel.from_pretrained(base, "me/lora")
    write(base)
    write(tuned)
    """
    found = [one for one in told(body).findings if one.id == "base-changed-in-place"]
    assert [(one.line - LINES, one.message.split("`")[1]) for one in found] == [(7, "base")]


@pytest.mark.parametrize(
    "settings", ['{"torch_dtype": "auto", "tp": 1}', 'dict(torch_dtype="auto", tp=1)', '{**{"torch_dtype": "auto"}}']
)
def test_an_item_of_an_unpacked_dict_is_mended_where_it_is_said(settings: str) -> None:
    body = f"""
    OPTIONS = {settings}

    model = AutoModelForCausalLM.from_pretrained("gpt2", **OPTIONS)
    """
    assert places(body, "argument-renamed") == [("argument-renamed", 1)]
    reading = told(body)
    assert reading.mended == reading.original.replace("torch_dtype", "dtype")


def test_what_is_put_into_a_dict_is_replaced_where_it_is_said() -> None:
    body = """
    options = {}
    options["dtype"] = "float32"
    options["torch_dtype"] = "float32"
    model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", **options)
    """
    reading = told(body)
    assert [one.id for one in reading.findings] == ["fp32-large-model"]
    assert reading.mended == reading.original.replace('["dtype"] = "float32"', '["dtype"] = "bfloat16"')


def test_keywords_go_through_a_function() -> None:
    body = """
    def load(name, **options):
        return AutoModelForCausalLM.from_pretrained(name, **options), AutoTokenizer.from_pretrained(name)


    model, tokenizer = load("mistralai/Mistral-7B-v0.1", dtype="float32")
    """
    assert places(body) == [("fp32-large-model", 2)]
    assert told(body).mended == told(body).original.replace("float32", "bfloat16")


def test_dict_with_keywords_is_known() -> None:
    body = """
    COMMON = dict(r=8, task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.add_tokens(["<new>"])
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model.resize_token_embeddings(len(tokenizer))
    model = get_peft_model(model, LoraConfig(target_modules=["c_attn"], **COMMON))
    model.save_pretrained("out")
    """
    assert places(body) == [("embeddings-not-saved", 5)]
    assert places(body.replace("r=8,", 'r=8, modules_to_save=["wte"],')) == []


def test_a_quantised_model_that_is_moved_onto_itself() -> None:
    body = """
    quantised = BitsAndBytesConfig(load_in_4bit=True)
    model = AutoModelForCausalLM.from_pretrained("gpt2", quantization_config=quantised)
    model = model.to("cuda")
    print(model)
    """
    reading = told(body)
    assert [one.id for one in reading.findings] == ["quantised-moved"]
    assert reading.mended == reading.original.replace('model = model.to("cuda")\n', "")


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ('name = "gpt2', 'name = "gpt2"'),
        ("prompt = f\"Answer {input('? ')}:", "prompt = f\"Answer {input('? ')}:\""),
        ('print("Answer:)', 'print("Answer:")'),
        ('if mode == "fast:', 'if mode == "fast":'),
        ('names = ["a", "b]', 'names = ["a", "b"]'),
    ],
)
def test_a_string_without_its_end(broken: str, whole: str) -> None:
    after = (
        '    tok = AutoTokenizer.from_pretrained("gpt2")\n'
        if whole.endswith(":")
        else 'tok = AutoTokenizer.from_pretrained("gpt2")\n'
    )
    reading = told(f"{broken}\n{after}")
    assert [(one.id, one.line - LINES) for one in reading.findings] == [("syntax-error", 1)]
    assert reading.mended == HEAD + f"{whole}\n{after}"


@pytest.mark.parametrize(
    "handed", ["Thread(target={}.generate, kwargs=settings)", "partial({}.generate, max_new_tokens=4)"]
)
def test_a_model_s_work_may_be_handed_on(handed: str) -> None:
    body = """
    from peft import PromptTuningConfig

    base = AutoModelForCausalLM.from_pretrained("gpt2")
    tuned = PeftModel.from_pretrained(base, "me/gpt2-prompt-tuning")
    run = {}
    """
    assert places(body.format(handed.format("base"))) == [("adapter-lost", 5)]
    assert places(body.format(handed.format("tuned"))) == []


@pytest.mark.parametrize("adapter", ["me/smol-prompt-tuning", "me/delphi-2-lora"])
def test_a_family_is_not_read_out_of_the_middle_of_a_word(adapter: str) -> None:
    body = f"""
    model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
    model = PeftModel.from_pretrained(model, "{adapter}")
    """
    assert places(body, "adapter-wrong-base") == []


def test_adapters_that_a_loop_loads_are_chosen_by_nobody() -> None:
    body = """
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), "me/en", adapter_name="en")
    for name in ("de", "fr"):
        model.load_adapter(f"me/{name}", adapter_name=name)
    model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=4)
    """
    assert places(body) == [("adapter-not-active", 4)]
    assert told(body).mended == told(body).original, "which one is meant is not plain"
    assert places(body.replace("    model.generate", '    model.set_adapter("de")\n    model.generate')) == []


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ('"What is a heap?"', True),
        ('"### Question:\\nWhat is a heap?\\n\\n### Answer:\\n"', False),
        ("question", False),
    ],
)
def test_a_prompt_is_held_against_the_texts_that_have_a_loss(prompt: str, found: bool) -> None:
    body = f"""
    ROW = "### Question:\\n{{q}}\\n\\n### Answer:\\n{{a}}"
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
    for row in rows:
        batch = tokenizer(ROW.format(q=row["q"], a=row["a"]), return_tensors="pt")
        model(**batch, labels=batch["input_ids"]).loss.backward()
    model.eval()
    asked = tokenizer({prompt}, return_tensors="pt")
    model.generate(**asked, max_new_tokens=4)
    """
    assert places(body, "prompt-unlike-training") == ([("prompt-unlike-training", 8)] if found else [])
