import asyncio
import os

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

DEVICE = "cuda"


class Worker:
    def __init__(self, queue: asyncio.Queue):
        self.queue = queue
        name = os.getenv("BASE", "codellama/CodeLlama-7b-hf")
        self.tok = AutoTokenizer.from_pretrained("codellama/CodeLlama-7b-hf")
        base = AutoModelForCausalLM.from_pretrained("codellama/CodeLlama-7b-hf", torch_dtype=torch.float16)
        self.lm = PeftModel.from_pretrained(base, "acme/cl7b-jsdoc").to(DEVICE)
        self.lm.eval()

    def _encode(self, text):
        return self.tok(self.tok.bos_token + text, return_tensors="pt")

    def _answer(self, text):
        enc = self._encode(text)
        with torch.no_grad():
            out = self.lm.generate(**enc, max_new_tokens=150)
        return self.tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)

    async def run(self):
        loop = asyncio.get_running_loop()
        while True:
            text, fut = await self.queue.get()
            fut.set_result(await loop.run_in_executor(None, self._answer, text))


async def main():
    q = asyncio.Queue()
    asyncio.create_task(Worker(q).run())
    fut = asyncio.get_running_loop().create_future()
    await q.put(("/** Adds two numbers */\n", fut))
    print(await fut)


asyncio.run(main())
