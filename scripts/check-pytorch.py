"""
Compares what `resnetc build --target pytorch` writes with the networks of torchvision and timm: the module loads their state
dict with strict=True, and computes the same in float64 (weights and inputs by the rule of upstream-records.py).

    pip install torch torchvision timm safetensors
    python scripts/check-pytorch.py                         all of the list below
    python scripts/check-pytorch.py timm:resnet50d@64       some
    python scripts/check-pytorch.py --operations            every case of every operation, against the float64 reference

Run it in the root of the repository, with npm's packages installed. A line a network: the largest difference relative to the
largest value; it exits with 1 if one of them is above 1e-10.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
sys.argv, wanted = sys.argv[:1], sys.argv[1:]
spec = importlib.util.spec_from_file_location("records", root / "scripts" / "upstream-records.py")
records = importlib.util.module_from_spec(spec)
spec.loader.exec_module(records)
np, torch = records.np, records.torch

from safetensors.torch import load_file, save_file  # noqa: E402

# As upstream-records.py takes them.
networks = """
torchvision:resnet18@64
torchvision:resnet50@64
torchvision:resnext50_32x4d@64
torchvision:vgg11_bn@224
torchvision:densenet121@64
torchvision:googlenet?aux_logits=false&init_weights=false@64
torchvision:inception_v3?aux_logits=false&init_weights=false@299
torchvision:mobilenet_v3_small@64
torchvision:convnext_tiny@64
torchvision:efficientnet_b0@64
torchvision:fcn_resnet50?aux_loss=true@64
torchvision:retinanet_resnet50_fpn?frozen=0.0@64
timm:resnet18@64
timm:resnet50d@64
timm:seresnet50@64
timm:ecaresnet50d@64
timm:resnetblur50@64
timm:resnetaa50d@64
timm:resnetrs50@64
timm:skresnet18@64
timm:res2net50_26w_4s@64
timm:resnest14d@64
timm:gcresnext26ts@64
timm:convnext_atto@64
timm:efficientnet_b0@64
timm:tf_efficientnet_b0@64
timm:mobilenetv3_small_100@64
timm:dla34@64
timm:hrnet_w18_small@64
timm:regnety_004@64
timm:resnetv2_50x1_bit@64
timm:legacy_xception@299
""".split("\n")


def compare(name):
    path, size = name.rsplit("@", 1)
    path, _, options = path.partition("?")
    source, model = path.split(":")
    options = {k: json.loads(v) for k, v in (option.split("=") for option in options.split("&") if option)}
    upstream = records.made(source, model, {k: v for k, v in options.items() if k != "frozen"}).eval()
    if "frozen" in options:
        records.frozen(upstream.backbone.body, options["frozen"])
    for key, value in records.tensors(upstream).items():
        value.copy_(records.filled(key, tuple(value.shape)))
    state = upstream.state_dict()
    picture = 2 * (2 * records.uniform("input", 3 * int(size) ** 2) - 1)
    picture = torch.from_numpy(picture.astype(np.float32).reshape(1, 3, int(size), int(size))).double()

    with tempfile.TemporaryDirectory() as folder:
        given = pathlib.Path(folder, "given.safetensors")
        save_file({key: value.contiguous() for key, value in state.items()}, given)
        ours = build(source, model, size, given, folder)
        if isinstance(ours, str):
            return ours
        written = load_file(pathlib.Path(folder, f"{model}.safetensors"))
    ours.load_state_dict(written, strict=True)
    ours.load_state_dict(state, strict=True)
    # What was written has all but the counters of batches.
    left = set(state) - set(written)
    if any(not key.endswith("num_batches_tracked") for key in left) or set(written) - set(state):
        return f"the file has other keys: {sorted(left ^ (set(written) - set(state)))[:3]}"
    if any(not torch.equal(value.reshape(state[key].shape), state[key]) for key, value in written.items()):
        return "the file has other values"

    with torch.no_grad():
        theirs = records.outputs(upstream.double(), picture, "")
        result = ours.double().eval()(picture)
    result = list(result.values()) if isinstance(result, dict) else [result]
    if len(result) != len(theirs):
        return f"{len(result)} outputs for {len(theirs)}"
    worst = 0.0
    for own, other in zip(result, theirs):
        if own.numel() != other.numel():
            return f"{tuple(own.shape)} for {tuple(other.shape)}"
        worst = max(worst, ((own.reshape(other.shape) - other).abs().max() / other.abs().max()).item())
    return worst


def net_of(source, model):
    """The file of the net in zoo/, and whether it takes a size."""
    for file in sorted((root / "zoo").glob(f"{source}*.resnet")):
        if any(line.startswith((f"net {model} ", f"net {model}(")) for line in file.read_text().split("\n")):
            return file
    raise SystemExit(f"the zoo has no {source}:{model}")


def build(source, model, size, weights, folder):
    command = ["node", "--import", "tsx", "src/cli/main.ts", "build", f"{net_of(source, model)}#{model}"]
    command += ["--target", "pytorch", "--weights", str(weights), "-o", folder]
    if size != "224":
        command += ["--size", size]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip()
    return network_of(pathlib.Path(folder, f"{model}.py").read_text(), model)


def network_of(text, name):
    space = {"__name__": name}
    exec(compile(text, f"{name}.py", "exec"), space)
    return [each for each in space.values() if isinstance(each, type) and each.__module__ == name][-1]()


def compare_operations():
    done = subprocess.run(["node", "--import", "tsx", "scripts/pytorch-cases.ts"], cwd=root, capture_output=True, text=True, check=True)
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    failed = 0
    for case in cases:
        def tensor(given):
            return torch.tensor([float(x) for x in given["data"]], dtype=torch.float64).reshape(given["shape"])

        try:
            network = network_of(case["text"], "case").double().eval()
            own = network.state_dict()
            state = {key: tensor(value).reshape(own[key].shape) for key, value in case["state"].items()}
            network.load_state_dict({**{key: value for key, value in own.items() if "num_batches" in key}, **state}, strict=True)
            wanted = tensor(case["wanted"]).permute(0, 3, 1, 2)
            with torch.no_grad():
                result = network(*[tensor(each).permute(0, 3, 1, 2) for each in case["given"]])
            worst = ((result.reshape(wanted.shape) - wanted).abs().max() / wanted.abs().max()).item()
            assert worst <= 1e-10, worst
        except Exception as error:
            failed += 1
            print(f"BAD {case['title']:55} {type(error).__name__}: {error}")
    print(f"{len(cases) - failed} of {len(cases)} cases")
    return failed


if __name__ == "__main__":
    if wanted == ["--operations"]:
        sys.exit(compare_operations() > 0)
    failed = False
    for line in [line for line in networks if line.strip()] if not wanted else wanted:
        try:
            result = compare(line)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        fine = isinstance(result, float) and result <= 1e-10
        failed |= not fine
        print(f"{'ok ' if fine else 'BAD'} {line.split()[0]:55} {result if isinstance(result, str) else f'{result:.1e}'}", flush=True)
    sys.exit(failed)
