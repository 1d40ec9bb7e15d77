using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Ops.copy_.Apply(this, source, nonBlocking);

        public Tensor fill_(Scalar value) => Ops.fill__Scalar.Apply(this, value);

        /// <summary>Unlike others in place, returns another object.</summary>
        public Tensor zero_() => Ops.zero_.Apply(this).alias();

        public Tensor normal_(double mean = 0, double std = 1, Generator generator = null) =>
            Ops.normal_.Apply(this, mean, std, generator);

        public Tensor uniform_(double from, double to, Generator generator = null) =>
            Ops.uniform_.Apply(this, from, to, generator);

        public Tensor bernoulli_(double p = 0.5, Generator generator = null) =>
            Ops.bernoulli__float.Apply(this, p, generator);

        public Tensor detach() => Ops.detach.Call(this);

        public Tensor detach_() => Ops.detach_.Apply(this);

        public Tensor zeros_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.zeros_like(this, dtype, device, requires_grad);

        public Tensor ones_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.ones_like(this, dtype, device, requires_grad);

        public Tensor empty_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.empty_like(this, dtype, device, requires_grad);

        public Tensor full_like(
            Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.full_like(this, value, dtype, device, requires_grad);

        public Tensor rand_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.rand_like(this, dtype, device, requires_grad);

        public Tensor randn_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.randn_like(this, dtype, device, requires_grad);

        public Tensor new_zeros(
            long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.zeros(size, dtype ?? this.dtype, device ?? this.device, requires_grad);

        public Tensor new_empty(
            long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.empty(size, dtype ?? this.dtype, device ?? this.device, requires_grad);
    }
}
