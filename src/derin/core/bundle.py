import torch, shutil
from pathlib import Path
from safetensors.torch import save_file, load_file
from derin.core.files import *
class Bundle:
    def __init__(self,path,card): self.path,self.card=Path(path),card
    def tensors(self): return load_file(self.path/"model.safetensors")
def state_tensors(model): return ({k:v.contiguous().clone() for k,v in model.state_dict().items()},{}, {})
def save_bundle(path,*,tensors,card,ties={},layout={},files={}):
    path=Path(path); path.mkdir(parents=True,exist_ok=True); save_file(tensors,path/"model.safetensors"); write_json(path/"card.json",card)
def load_bundle(path): return Bundle(path, read_json(Path(path)/"card.json"))
def load_state(model,b): model.load_state_dict(b.tensors())
def structure_fingerprint(m): return str([(k,tuple(v.shape)) for k,v in m.state_dict().items()])
