using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public bool requires_grad
        {
            get => Native(Shim.Check(Shim.ts_requires_grad(Handle))) != 0;
            set => Shim.Check(Native(Shim.ts_set_requires_grad(Handle, value ? 1 : 0)));
        }

        public bool is_leaf => Native(Shim.Check(Shim.ts_is_leaf(Handle))) != 0;

        /// <summary>The accumulated gradient: a new object at each call, or null.</summary>
        public unsafe Tensor grad
        {
            get
            {
                nint gradient;
                Shim.Check(Native(Shim.ts_grad(Handle, &gradient)));
                return gradient == 0 ? null : new Tensor(gradient);
            }

            set
            {
                Shim.Check(Native(Shim.ts_set_grad(Handle, value?.Handle ?? 0)));
                GC.KeepAlive(value);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public void retain_grad() => Shim.Check(Native(Shim.ts_retain_grad(Handle)));

        public void backward() => autograd.backward([this], null, null, false, null);

        public void backward(
            IList<Tensor> grad_tensors = null, bool retain_graph = false, bool create_graph = false,
            IList<Tensor> inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);
    }
}
