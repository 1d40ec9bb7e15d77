using TorchSharp.Modules;
using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Operations on all gradients of a model.</summary>
        public static class utils
        {
            /// <summary>Scales gradients to a joint norm of at most <c>max_norm</c>; returns the old norm.</summary>
            public static double clip_grad_norm_(
                IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using var guard = no_grad();
                using var scope = NewDisposeScope();
                var gradients = tensors.Select(p => p.grad).Where(g => g is not null).ToArray();
                if (gradients.Length == 0)
                    return 0;
                var norms = stack(gradients.Select(g => Ops.linalg_vector_norm.Call(g, norm_type)));
                var total = Ops.linalg_vector_norm.Call(norms, norm_type);
                // In the gradients' type, as libtorch does: a max_norm that it cannot hold is an error there too.
                var factor = (total + 1e-6).reciprocal().mul(max_norm).clamp(max: 1);
                foreach (var gradient in gradients)
                    gradient.mul_(factor);
                return total.ToDouble();
            }

            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                foreach (var gradient in tensors.Select(p => p.grad).Where(g => g is not null))
                    gradient.clamp_(-clip_value, clip_value);
            }
        }
    }
}
