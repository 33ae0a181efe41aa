import pickle

from huggingface_hub import hf_hub_download

path = hf_hub_download(repo_id="someone/sklearn", filename="model.pkl")
with open(path, "rb") as file:
    model = pickle.load(file)
