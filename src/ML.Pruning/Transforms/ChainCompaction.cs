using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Leaves out of a fitted chain the weights that nothing can read any more.</summary>
internal static class ChainCompaction
{
    /// <summary>Builds the compact chain.</summary>
    /// <remarks>Walks the chain backwards from its visible columns, asking every stage which of its input columns these
    /// depend on; a model whose column is not among them is replaced by its shape and content hash.</remarks>
    /// <exception cref="ArgumentException">The schema that the chain was fitted on is not known.</exception>
    public static TransformerChain<ITransformer> Compact(ITransformer model, DataViewSchema? inputSchema)
    {
        ITransformer[] stages = [.. LanguageModelSource.Stages(model)];
        int first = Array.FindIndex(stages, stage => stage is ModelYieldingTransformer);
        if (first < 0) return new TransformerChain<ITransformer>(stages);

        DataViewSchema? schema = ((ModelYieldingTransformer)stages[first]).FittedSchema;
        if (inputSchema is not null) schema = SchemaAt(stages, first, inputSchema);
        if (schema is null)
        {
            throw new ArgumentException("The chain was loaded from a file, so the schema that it was fitted on is not "
                + "known: pass inputSchema, or compact the chain that Fit returned.", nameof(model));
        }

        bool[] needed = NeededModels(stages, first, schema);
        for (int i = first; i < stages.Length; i++)
            if (stages[i] is ModelYieldingTransformer stage) stages[i] = Copy(stage, needed[i]);
        return new TransformerChain<ITransformer>(stages);
    }

    private static DataViewSchema SchemaAt(ITransformer[] stages, int index, DataViewSchema schema)
    {
        for (int i = 0; i < index; i++) schema = stages[i].GetOutputSchema(schema);
        return schema;
    }

    private static bool[] NeededModels(ITransformer[] stages, int first, DataViewSchema schema)
    {
        var schemas = new DataViewSchema[stages.Length + 1];
        schemas[first] = schema;
        for (int i = first; i < stages.Length; i++) schemas[i + 1] = stages[i].GetOutputSchema(schemas[i]);

        var needed = new bool[stages.Length];
        DataViewSchema.Column[] active = [.. schemas[^1].Where(column => !column.IsHidden)];
        for (int i = stages.Length - 1; i >= first; i--)
        {
            if (stages[i] is ModelYieldingTransformer stage)
                needed[i] = active.Any(c => c.Name == stage.OutputColumnName && !c.IsHidden);
            active = stages[i].IsRowToRowMapper
                ? [.. stages[i].GetRowToRowMapper(schemas[i]).GetDependencies(active)]
                : [.. schemas[i]];
        }

        return needed;
    }

    // The compact chain owns models of its own, so that either chain may be disposed first.
    private static ModelYieldingTransformer Copy(ModelYieldingTransformer stage, bool keepWeights)
    {
        LanguageModel model = stage.Model;
        if (keepWeights || !model.HasWeights) return stage.WithModel(new LanguageModel(model.ToContent()));

        return stage.WithModel(model.WithoutWeights($"The weights of the model in column '{stage.OutputColumnName}' "
            + $"(stage {stage.GetType().Name}, content hash {model.ContentHash[..12]}) were left out by CompactLlm, "
            + "because no later stage reads them. Save the chain without CompactLlm to keep them."));
    }
}
