using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Export.Onnx;

namespace ML.Pruning.Transforms;

/// <summary>Runs an ONNX model of any exporter with its sparse weights on the kernels. See
/// <c>mlContext.Transforms.ApplySparseOnnxModel</c>.</summary>
public sealed class SparseOnnxEstimator : IEstimator<SparseOnnxTransformer>
{
    private readonly SparseOnnxTransformer _transformer;

    internal SparseOnnxEstimator(IHostEnvironment env, Options options) =>
        _transformer = SparseOnnxTransformer.Open(env, options);

    /// <summary>Checks the schema; there is nothing to learn.</summary>
    /// <param name="input">Data with the input columns.</param>
    /// <returns>The stage.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SparseOnnxTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _transformer.GetOutputSchema(input.Schema);
        return _transformer;
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (StageColumn column in _transformer.Inputs) column.Check(inputSchema);
        return StageColumn.Add(inputSchema, _transformer.Outputs);
    }

    /// <summary>Options of <see cref="SparseOnnxEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The ONNX file.</summary>
        public string ModelFile = "";

        /// <summary>Columns for outputs of the model, which have the same names; null = all. Vectors of Single or
        /// Int64.</summary>
        public string[]? OutputColumnNames;

        /// <summary>Columns for the inputs of the same names; null = all that the model has. Vectors of Single or
        /// Int64; an input that has a default in the file may be left out.</summary>
        public string[]? InputColumnNames;

        /// <summary>Dimensions of inputs and outputs by name, where the file leaves more than the first one
        /// open.</summary>
        public IDictionary<string, int[]>? ShapeDictionary;

        /// <summary>Whether sparse nodes that ONNX Runtime runs faster as they are stay with it, by a measurement when the
        /// stage is made (<see cref="Inference.SparseOnnxSelection"/>); nothing is measured where a dimension of an input
        /// but the first is open and not given.</summary>
        public bool Measure = true;

        /// <summary>Which weights are packed, and how.</summary>
        public SparseOnnxOptions Packing = new();
    }
}
