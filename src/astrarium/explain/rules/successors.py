"""What took the place of names, arguments and methods of older versions; held against the index wherever it is used."""

from __future__ import annotations

NEW_NAMES = {
    "transformers": {
        "AutoModelWithLMHead": "AutoModelForCausalLM", "AutoModelForVision2Seq": "AutoModelForImageTextToText",
        "PretrainedConfig": "PreTrainedConfig", "is_torch_tpu_available": "is_torch_xla_available",
    },
    "peft": {
        "prepare_model_for_int8_training": "prepare_model_for_kbit_training",
        "prepare_model_for_training": "prepare_model_for_kbit_training", "BoneConfig": "MissConfig",
        "BoneModel": "MissModel",
    },
}  # fmt: skip
"""Old name → new name."""

ELSEWHERE = {
    "AdamW": "torch.optim", "Adafactor": "torch.optim", "BottleneckConfig": "astrarium.methods.bottleneck",
}  # fmt: skip
"""Name → the module of another library that has it."""

NEW_ARGUMENTS = {
    "evaluation_strategy": "eval_strategy", "no_cuda": "use_cpu",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "per_gpu_eval_batch_size": "per_device_eval_batch_size", "push_to_hub_token": "hub_token",
    "push_to_hub_model_id": "hub_model_id", "tokenizer": "processing_class", "use_auth_token": "token",
    "torch_dtype": "dtype", "eval_accumulation_step": "eval_accumulation_steps", "warmup_ratio": "warmup_steps",
    "max_seq_length": "max_length", "lora_rank": "r",
}  # fmt: skip
"""Old argument → new argument, wherever the new one is accepted and the old one is not."""

DROPPED = frozenset(
    ["overwrite_output_dir", "logging_dir", "fp16_backend", "half_precision_backend", "fp16_opt_level",
     "use_mps_device", "save_safetensors", "resume_download", "framework", "safe_serialization", "use_ipex",
     "torchdynamo", "jit_mode_eval"]
)  # fmt: skip
"""Arguments that went without a successor: taken out, the call does what it did."""

OPEN_CALLS = {
    "from_pretrained": ("use_auth_token", "load_in_4bit", "load_in_8bit", "use_flash_attention_2", "resume_download"),
    "pipeline": ("framework", "use_auth_token", "load_in_8bit"),
    "save_pretrained": ("safe_serialization", "use_auth_token"),
    "push_to_hub": ("safe_serialization", "use_auth_token", "use_temp_dir"),
    "__call__": ("pad_to_max_length", "truncation_strategy"),
}
"""Calls that take any keyword: the old ones that they no longer do anything with, or stop at."""

GONE_METHODS = {
    "encode_plus": "__call__", "batch_encode_plus": "__call__", "as_target_tokenizer": "__call__ with text_target=",
    "prepare_seq2seq_batch": "__call__ with text_target=", "prepare_for_model": "__call__",
    "enable_adapter_layers_": "enable_adapters",
}  # fmt: skip
