import numpy as np
class _Host:
    def __init__(self, t): self.t=t
    def __len__(self): return len(self.t)
    def gather(self, rows, uniforms=None):
        import torch
        return self.t.index_select(0, torch.from_numpy(rows))
class PicturePreparation:
    kind="picture"
    def __init__(self,column,shape,mean,std): self.columns=(column,); self.input_shape=(shape[2],shape[0],shape[1]); self.mean,self.std=mean,std
    @classmethod
    def fit(cls,table,rows,size=None):
        c=table.inputs[0]; v=table.columns[c.name].values; s=v[rows[:5000]].astype(np.float64)/255
        return cls(c.name,v.shape[1:],s.mean((0,1,2)).tolist(),s.std((0,1,2)).tolist())
    def host(self,table):
        import torch
        return _Host(torch.from_numpy(table.columns[self.columns[0]].values.copy()))
    def read(self,x):
        x=np.asarray(x); return x.reshape(-1,self.input_shape[1],self.input_shape[2],self.input_shape[0])
    def finish(self,g):
        import torch
        m=torch.tensor(self.mean)*255; s=torch.tensor(self.std)*255
        return ((g.float()-m)/s).permute(0,3,1,2)
    def to_json(self): return {"kind":"picture","column":self.columns[0],"shape":[self.input_shape[1],self.input_shape[2],self.input_shape[0]],"mean":self.mean,"std":self.std}
    @classmethod
    def from_json(cls,d): return cls(d["column"],d["shape"],d["mean"],d["std"])
