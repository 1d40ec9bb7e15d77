using System.Runtime.InteropServices;
using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor this[params TensorIndex[] indices]
        {
            get => Index(indices);
            set => Put(value, indices);
        }

        public Tensor this[params Tensor[] indices]
        {
            get => Ops.index_Tensor.Call(this, indices);
            set => Ops.index_put_.Apply(this, indices, value, false);
        }

        public Tensor this[long i1]
        {
            get => Index(i1);
            set => Put(value, i1);
        }

        public Tensor this[long i1, long i2]
        {
            get => Index(i1, i2);
            set => Put(value, i1, i2);
        }

        public Tensor this[long i1, long i2, long i3]
        {
            get => Index(i1, i2, i3);
            set => Put(value, i1, i2, i3);
        }

        public Tensor index(params TensorIndex[] indices) => Index(indices);

        public Tensor index(params Tensor[] indices) => Ops.index_Tensor.Call(this, indices);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            Put(value, indices);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) =>
            Ops.index_put_.Apply(this, indices, value, false);

        private Tensor Index(params TensorIndex[] indices)
        {
            using var scope = NewDisposeScope();
            var (view, tensors) = ViewOf(indices);
            return (tensors is null ? view.alias() : Ops.index_Tensor.Call(view, tensors)).MoveToOuterDisposeScope();
        }

        private void Put(Tensor value, params TensorIndex[] indices)
        {
            using var scope = NewDisposeScope();
            var (view, tensors) = ViewOf(indices);
            if (tensors is null)
                Ops.copy_.Apply(view, value);
            else
                Ops.index_put_.Apply(view, tensors, value, false);
        }

        /// <summary>Applies the basic indices as a view; index tensors come back aligned with it.</summary>
        private (Tensor View, Tensor[] Tensors) ViewOf(TensorIndex[] indices)
        {
            var view = alias();
            var tensors = new List<Tensor>();
            int consumed = indices.Sum(Consumes);
            if (consumed > view.dim())
                throw new ExternalException($"{consumed} indices for a tensor of {view.dim()} dimensions.");
            long position = 0;
            foreach (var index in indices)
            {
                switch (index.Kind)
                {
                    case TensorIndex.IndexKind.Single:
                        view = view.select(position, index.Start.Value);
                        break;
                    case TensorIndex.IndexKind.Slice:
                        view = Ops.slice_Tensor.Call(view, position++, index.Start, index.Stop, index.Step ?? 1);
                        break;
                    case TensorIndex.IndexKind.NewAxis:
                        view = view.unsqueeze(position++);
                        break;
                    case TensorIndex.IndexKind.Ellipsis:
                        position += dim() - consumed;
                        break;
                    case TensorIndex.IndexKind.Tensor:
                        while (tensors.Count < position)
                            tensors.Add(null);
                        tensors.Add(index.IndexTensor);
                        position += Consumes(index);
                        while (tensors.Count < position)
                            tensors.Add(null);
                        break;
                }
            }
            return (view, tensors.Exists(t => t is not null) ? Aligned(tensors) : null);
        }

        /// <summary>How many dimensions of the tensor an index takes; a mask takes as many as it has.</summary>
        private static int Consumes(TensorIndex index) => index.Kind switch
        {
            TensorIndex.IndexKind.Single or TensorIndex.IndexKind.Slice => 1,
            TensorIndex.IndexKind.Tensor when index.IndexTensor.dtype == ScalarType.Bool =>
                (int)index.IndexTensor.dim(),
            TensorIndex.IndexKind.Tensor => 1,
            _ => 0,
        };

        /// <summary>A mask of several dimensions stands for all of them, so its padding goes.</summary>
        private static Tensor[] Aligned(List<Tensor> tensors)
        {
            var aligned = new List<Tensor>();
            for (int i = 0; i < tensors.Count; i++)
            {
                aligned.Add(tensors[i]);
                if (tensors[i] is { dtype: ScalarType.Bool } mask)
                    i += (int)mask.dim() - 1;
            }
            return [.. aligned];
        }
    }
}
