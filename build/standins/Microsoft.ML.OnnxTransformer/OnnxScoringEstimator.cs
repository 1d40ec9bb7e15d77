using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Onnx;

public sealed class OnnxScoringEstimator : TrivialEstimator<OnnxTransformer>
{
    internal OnnxScoringEstimator(IHostEnvironment env, OnnxTransformer transformer)
        : base(env.Register(nameof(OnnxTransformer)), transformer)
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        foreach ((string name, PrimitiveDataViewType itemType) in Transformer.Inputs)
        {
            if (!inputSchema.TryFindColumn(name, out SchemaShape.Column column))
                throw Contracts.ExceptSchemaMismatch(null, nameof(inputSchema), "input", name);
            if (!itemType.Equals(column.ItemType))
                throw Contracts.ExceptSchemaMismatch(null, nameof(inputSchema), "input", name, itemType.ToString(),
                    column.GetTypeString());
        }
        foreach ((string name, VectorDataViewType type) in Transformer.Outputs)
        {
            var kind = type.IsKnownSize
                ? SchemaShape.Column.VectorKind.Vector
                : SchemaShape.Column.VectorKind.VariableVector;
            columns[name] = new SchemaShape.Column(name, kind, type.ItemType, false);
        }
        return new SchemaShape(columns.Values);
    }
}
