/** Modules that PyTorch lacks; a generated file has those that it uses. */

export const helpers = {
  StandardisedConv2d: `class StandardisedConv2d(nn.Conv2d):
    """A convolution whose kernel has mean 0 and variance 1 for each output channel (Qiao et al. 2019)."""

    def __init__(self, *args, eps=1e-8, **settings):
        super().__init__(*args, **settings)
        self.eps = eps

    def forward(self, x):
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True, correction=0)
        weight = (self.weight - mean) / torch.sqrt(variance + self.eps)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)`,
  FixedConv2d: `class FixedConv2d(nn.Module):
    """Each channel by a kernel that is not trained and in no state dict: what blurs before it strides."""

    def __init__(self, kernel, stride=1, padding=0):
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.register_buffer("kernel", torch.tensor(kernel)[None, None], persistent=False)

    def forward(self, x):
        channels = x.shape[1]
        kernel = self.kernel.expand(channels, 1, -1, -1)
        return F.conv2d(x, kernel, stride=self.stride, padding=self.padding, groups=channels)`,
  FrozenBatchNorm2d: `class FrozenBatchNorm2d(nn.Module):
    """A batch norm whose scale and shift are fixed as its statistics are: all four are buffers."""

    def __init__(self, channels, eps=1e-5, scale=True, shift=True, affine=True):
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels) if scale and affine else None)
        self.register_buffer("bias", torch.zeros(channels) if shift and affine else None)
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)`,
  HalfBatchNorm2d: `class HalfBatchNorm2d(nn.BatchNorm2d):
    """A batch norm that learns a scale or a shift, not both."""

    def __init__(self, channels, eps=1e-5, scale=True, shift=True):
        super().__init__(channels, eps=eps)
        if not scale:
            self.register_parameter("weight", None)
        if not shift:
            self.register_parameter("bias", None)

    def reset_parameters(self):
        self.reset_running_stats()
        if self.weight is not None:
            nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)`,
  LayerNorm2d: `class LayerNorm2d(nn.LayerNorm):
    """Normalises each place over its channels."""

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)`,
  RMSNorm2d: `class RMSNorm2d(nn.Module):
    """Divides each place by the root of the mean square of its channels (Zhang and Sennrich 2019)."""

    def __init__(self, channels, eps=1e-5, bias=False):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)) if bias else None)

    def forward(self, x):
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.eps) * self.weight[:, None, None]
        return x if self.bias is None else x + self.bias[:, None, None]`,
  ChannelConv: `class ChannelConv(nn.Conv1d):
    """A convolution along the channels, the same at every place (Wang et al. 2020)."""

    def __init__(self, kernel_size):
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x):
        batch, channels, height, width = x.shape
        places = x.permute(0, 2, 3, 1).reshape(-1, 1, channels)
        return super().forward(places).view(batch, height, width, channels).permute(0, 3, 1, 2)`,
  avg_pool_inside: `def avg_pool_inside(x, pads, *args, **settings):
    """The mean of the places of each window that lie on the map."""
    inside = F.avg_pool2d(F.pad(torch.ones_like(x[:1, :1]), pads), *args, **settings)
    return F.avg_pool2d(F.pad(x, pads), *args, **settings) / inside`,
  Group: `class Group(nn.Module):
    """Modules under one name."""

    def __init__(self, **members):
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)`,
} as const;
