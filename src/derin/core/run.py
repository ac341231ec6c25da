import json
from pathlib import Path
from contextlib import nullcontext
from derin.core.files import *
from safetensors.torch import save_file, load_file
class RunFolder:
    def __init__(self,path):
        self.path=Path(path); self.model_path=self.path/"model"; self.state_path=self.path/"state"; self.report_path=self.path/"report.html"; self.log_path=self.path/"log.jsonl"
    @classmethod
    def create(cls,path,*,name,root=Path("runs")):
        if path is None:
            i=1
            while (root/f"{name}-{i}").exists(): i+=1
            path=root/f"{name}-{i}"
        Path(path).mkdir(parents=True,exist_ok=True); return cls(path)
    @classmethod
    def open(cls,path): return cls(path)
    def lock(self): return nullcontext()
    def record(self): return read_json(self.path/"run.json")
    def write_record(self,d): write_json(self.path/"run.json",d)
    def log(self,l): self.log_path.open("a").write(json.dumps(l)+"\n")
    def log_lines(self): return [json.loads(l) for l in self.log_path.read_text().splitlines()] if self.log_path.exists() else []
    def drop_log_after(self,step):
        ls=[l for l in self.log_lines() if l["step"]<=step]; self.log_path.write_text("".join(json.dumps(l)+"\n" for l in ls))
    def save_state(self,t,d):
        self.state_path.mkdir(exist_ok=True); save_file({k:v.contiguous() for k,v in t.items()},self.state_path/"s.safetensors"); write_json(self.state_path/"s.json",d)
    def load_state(self):
        if not (self.state_path/"s.json").exists(): return None
        return load_file(self.state_path/"s.safetensors"), read_json(self.state_path/"s.json")
