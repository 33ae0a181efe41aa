"""Small tokenizers, made in the test."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from astrarium.sources.tokenizer import Tokenizer as OurTokenizer
from astrarium.sources.tokenizer_transformers import from_transformers

STARCODER_SPECIALS = ("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>")
_TEXTS = [
    "def area(r):\n    return 3.14 * r * r\n",
    "Question: Please write a function in Python that performs bubble sort.\n\nAnswer:",
    "for i in range(10):\n    print(i)\n",
]


def small_tokenizer(
    vocabulary: int = 300, specials: tuple[str, ...] = STARCODER_SPECIALS, **options: object
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer like StarCoder's; its first special token ends, begins and pads."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    end = specials[0] if specials else None
    named = {} if end is None else {"eos_token": end, "bos_token": end, "unk_token": end, "pad_token": end}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **{**named, **options}
    )


def our_tokenizer(**options: object) -> OurTokenizer:
    """The same as the product's own class, so that what it says can be compared with what transformers says."""
    return from_transformers(small_tokenizer(**options))  # type: ignore[arg-type]
