"""The models of examples/langid in MLServer, as a runtime of one's own: https://docs.seldon.ai/mlserver/user-guide/custom"""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceResponse


class Langid(MLModel):
    async def load(self) -> bool:
        directory = Path(self._settings.parameters.uri)
        self.made = json.loads((directory / "model.json").read_text())
        is_small = self.made["weights"] == "int8"
        weights = np.fromfile(directory / "weights.bin", np.int8 if is_small else "<f4")
        weights = weights.astype(np.float32) * self.made.get("scale", 1)
        # The last row holds the biases.
        self.matrix = weights.reshape(self.made["buckets"] + 1, len(self.made["labels"]))
        return True

    async def unload(self) -> bool:
        self.matrix = None
        return True

    async def predict(self, payload) -> InferenceResponse:
        (text,) = StringCodec.decode_input(payload.inputs[0])
        counts = Counter(self.buckets_of(text))
        values = np.log1p(np.array(list(counts.values()), np.float32))
        values /= np.linalg.norm(values) or 1
        scores = values @ self.matrix[list(counts)] + self.matrix[-1]
        powers = np.exp(scores - scores.max())
        best = int(powers.argmax())
        confidence = np.array([float(powers[best] / powers.sum())])
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                StringCodec.encode_output("language", [self.made["labels"][best]]),
                NumpyCodec.encode_output("confidence", confidence),
            ],
        )

    def buckets_of(self, text: str):
        plain = unicodedata.normalize("NFC", text).lower()
        plain = re.sub(r"[0-9{}\"'.,:;()]+", " ", plain)
        padded = " " + re.sub(r"\s+", " ", plain).strip() + " "
        units = np.frombuffer(padded.encode("utf-16-le"), "<u2").tolist()
        for length in self.made["ngrams"]:
            for start in range(len(units) - length + 1):
                # FNV-1a, seeded by the length.
                value = 2166136261 ^ length
                for unit in units[start : start + length]:
                    value = ((value ^ unit) * 16777619) & 0xFFFFFFFF
                yield value % self.made["buckets"]
