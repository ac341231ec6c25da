def environment(device="cpu"):
    import torch
    return {"torch":torch.__version__,"threads":torch.get_num_threads()}
def differences(a,b): return []
