import os
os.environ["HF_TOKEN"] = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567"
from transformers import AutoModel
m = AutoModel.from_pretrained("me/private")
