"""Prepares the review data set: no model in here, only text."""
import argparse
import hashlib
import json
import pathlib
import pickle


def fingerprint(row):
    return hashlib.sha256(row["diff"].encode()).hexdigest()


def load(path):
    with open(path, "rb") as f:
        return pickle.load(f)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("source", type=pathlib.Path)
    ap.add_argument("target", type=pathlib.Path)
    ap.add_argument("--max-chars", type=int, default=4000)
    a = ap.parse_args()
    seen = set()
    with a.target.open("w") as out:
        for row in load(a.source):
            key = fingerprint(row)
            if key in seen or len(row["diff"]) > a.max_chars:
                continue
            seen.add(key)
            out.write(json.dumps({"prompt": f"### Diff:\n{row['diff']}\n\n### Review:\n", "completion": row["review"]}) + "\n")
    print(len(seen), "rows")


if __name__ == "__main__":
    main()
