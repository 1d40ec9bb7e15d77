using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>The backward engine.</summary>
    public static class autograd
    {
        public static unsafe IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor> grad_outputs = null, bool retain_graph = false,
            bool create_graph = false, bool allow_unused = false)
        {
            var results = new nint[inputs.Count];
            fixed (nint* o = Handles(outputs), i = Handles(inputs), g = Handles(grad_outputs), r = results)
            {
                Shim.Check(Shim.ts_autograd_grad(
                    o, outputs.Count, i, inputs.Count, g, grad_outputs?.Count ?? 0, Flag(retain_graph),
                    Flag(create_graph), Flag(allow_unused), (nint*)r));
            }
            KeepAlive(outputs, inputs, grad_outputs);
            return Array.ConvertAll(results, handle => new Tensor(handle)); // one without a handle where unused
        }

        public static void backward(
            Tensor tensor, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false,
            IList<Tensor> inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static unsafe void backward(
            IList<Tensor> tensors, IList<Tensor> grad_tensors = null, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor> inputs = null)
        {
            int retain = retain_graph is bool value ? Flag(value) : -1;
            fixed (nint* t = Handles(tensors), g = Handles(grad_tensors), i = Handles(inputs))
            {
                Shim.Check(Shim.ts_backward(
                    t, tensors.Count, g, grad_tensors?.Count ?? 0, retain, Flag(create_graph), i, inputs?.Count ?? 0));
            }
            KeepAlive(tensors, grad_tensors, inputs);
        }

        private static nint[] Handles(IList<Tensor> tensors) => tensors?.Select(t => t?.Handle ?? 0).ToArray() ?? [];

        private static int Flag(bool value) => value ? 1 : 0;

        private static void KeepAlive(params IList<Tensor>[] lists)
        {
            foreach (var list in lists)
            {
                foreach (var tensor in list ?? [])
                    GC.KeepAlive(tensor);
            }
        }
    }
}
