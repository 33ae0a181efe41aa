import torch.nn as nn
import torch


class Tokenizer:
    def encode_plus(self, text):
        return [ord(c) for c in text]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(256, 8)

    def generate(self, ids):
        return ids + [1]

    def merge_and_unload(self):
        return self


t = Tokenizer()
net = Net()
net.merge_and_unload()
print(net.generate(t.encode_plus("abc")))
