using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);

        public static Linear Linear(
            long inputSize, long outputSize, bool hasBias = true, Device device = null, ScalarType? dtype = null) =>
            new(inputSize, outputSize, hasBias, device, dtype);

        public static Linear Linear(Parameter weight, Parameter bias = null) => new(weight, bias);

        public static Embedding Embedding(
            long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null,
            double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device device = null,
            ScalarType? dtype = null)
        {
            RefuseEmbeddingExtras(max_norm, norm_type, scale_grad_by_freq, sparse);
            return Modules.Embedding.Create(num_embeddings, embedding_dims, padding_idx, device, dtype);
        }

        public static Embedding Embedding_from_pretrained(
            Tensor embeddings, bool freeze = true, long? padding_idx = null, double? max_norm = null,
            double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device device = null,
            ScalarType? dtype = null)
        {
            RefuseEmbeddingExtras(max_norm, norm_type, scale_grad_by_freq, sparse);
            return new(embeddings.to(dtype ?? embeddings.dtype, device ?? embeddings.device), freeze, padding_idx);
        }

        public static LayerNorm LayerNorm(
            long normalized_shape, double eps = 1e-5, bool elementwise_affine = true, bool bias = true,
            Device device = null, ScalarType? dtype = null) =>
            new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

        public static LayerNorm LayerNorm(
            long[] normalized_shape, double eps = 1e-5, bool elementwise_affine = true, bool bias = true,
            Device device = null, ScalarType? dtype = null) =>
            new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

        public static Dropout Dropout(double p = 0.5, bool inplace = false) => new(p, inplace);

        public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);

        private static void RefuseEmbeddingExtras(double? maxNorm, double normType, bool scaleByFrequency, bool sparse)
        {
            if (maxNorm is not null || normType != 2 || scaleByFrequency || sparse)
            {
                throw new NotSupportedException(
                    "max_norm, norm_type, scale_grad_by_freq and sparse are outside this stand-in.");
            }
        }
    }
}
