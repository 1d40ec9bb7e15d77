"""Training steps of a LLaMA in plain PyTorch, for comparison.

Usage: training_step.py DENSE_FOLDER PRUNED_FOLDER TOKENS BATCH LENGTH
TOKENS holds int64 token ids [batches, BATCH, LENGTH]. Each line "KIND INDEX" on stdin runs one step on that batch; the
answer is "LOSS MILLISECONDS". Kinds: full and lora on the dense model, masked on the pruned one.
"""
import json
import math
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F

RANK, SCALE, RATE = 8, 2.0, 1e-3
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_weights(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(
            data, dtype=TYPES[t["dtype"]], offset=t["data_offsets"][0], count=math.prod(t["shape"])
        ).reshape(t["shape"]).float().clone()
        for name, t in header.items()
    }


class Llama:
    def __init__(self, folder, kind, length):
        with open(os.path.join(folder, "config.json")) as file:
            self.config = json.load(file)
        config = self.config
        self.w = read_weights(folder)
        self.heads = config["num_attention_heads"]
        self.groups = config.get("num_key_value_heads", self.heads)
        self.size = config.get("head_dim") or config["hidden_size"] // self.heads
        self.layers = config["num_hidden_layers"]
        self.epsilon = config.get("rms_norm_eps", 1e-6)
        angles = torch.outer(
            torch.arange(length, dtype=torch.float64),
            config.get("rope_theta", 10000.0) ** (-torch.arange(0, self.size, 2, dtype=torch.float64) / self.size))
        self.cos = angles.cos().float().repeat(1, 2)
        self.sin = angles.sin().float().repeat(1, 2)
        self.mask = torch.full((length, length), -math.inf).triu(1)
        self.adapters = {}
        if kind == "full":
            parameters = list(self.w.values())
        else:
            parameters = []
            for name, weight in self.w.items():
                if "_proj.weight" not in name:
                    continue
                a = torch.randn(RANK, weight.shape[1]) / math.sqrt(weight.shape[1])
                b = torch.zeros(weight.shape[0], RANK)
                self.adapters[name] = (a, b, weight.ne(0).float() if kind == "masked" else None)
                parameters += [a, b]
        for parameter in parameters:
            parameter.requires_grad_(True)
        self.parameters = parameters
        self.optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), weight_decay=0.0)

    def linear(self, name, x):
        weight = self.w[name]
        if name not in self.adapters:
            return F.linear(x, weight)
        a, b, mask = self.adapters[name]
        if mask is None:
            return F.linear(x, weight) + SCALE * F.linear(F.linear(x, a), b)
        return F.linear(x, weight + SCALE * (b @ a) * mask)

    def norm(self, name, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.w[name]

    def rotate(self, x, length):
        half = self.size // 2
        turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
        return x * self.cos[:length] + turned * self.sin[:length]

    def attention(self, prefix, x):
        batch, length, _ = x.shape
        q = self.linear(prefix + "q_proj.weight", x).view(batch, length, self.heads, self.size).transpose(1, 2)
        k = self.linear(prefix + "k_proj.weight", x).view(batch, length, self.groups, self.size).transpose(1, 2)
        v = self.linear(prefix + "v_proj.weight", x).view(batch, length, self.groups, self.size).transpose(1, 2)
        q, k = self.rotate(q, length), self.rotate(k, length)
        repeat = self.heads // self.groups
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        scores = q @ k.transpose(2, 3) / math.sqrt(self.size) + self.mask[:length, :length]
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, -1)
        return self.linear(prefix + "o_proj.weight", mixed)

    def loss(self, tokens):
        x = self.w["model.embed_tokens.weight"][tokens[:, :-1]]
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}."
            x = x + self.attention(prefix + "self_attn.", self.norm(prefix + "input_layernorm.weight", x))
            y = self.norm(prefix + "post_attention_layernorm.weight", x)
            y = F.silu(self.linear(prefix + "mlp.gate_proj.weight", y)) * self.linear(prefix + "mlp.up_proj.weight", y)
            x = x + self.linear(prefix + "mlp.down_proj.weight", y)
        head = self.w.get("lm_head.weight", self.w["model.embed_tokens.weight"])
        logits = F.linear(self.norm("model.norm.weight", x), head)
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens[:, 1:].reshape(-1))

    def step(self, tokens):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(tokens)
        value = loss.item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return value


def main():
    dense, pruned, path, batch, length = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    with open(path, "rb") as file:
        tokens = torch.frombuffer(bytearray(file.read()), dtype=torch.int64).view(-1, batch, length)
    models = {}
    print("ready", flush=True)
    for line in sys.stdin:
        kind, index = line.split()
        if kind not in models:
            models[kind] = Llama(pruned if kind == "masked" else dense, kind, length)
        start = time.perf_counter()
        loss = models[kind].step(tokens[int(index) % len(tokens)])
        print(loss, (time.perf_counter() - start) * 1000, flush=True)


main()
