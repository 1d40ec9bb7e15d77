namespace ML.Pruning.Pruning.Structured;

/// <summary>What LLM-Pruner takes out of a model.</summary>
public enum PruningGranularity
{
    /// <summary>Key/value heads with their query heads, and MLP neurons, layer by layer.</summary>
    Block,

    /// <summary>Channels of the residual stream, through all layers.</summary>
    Channel,

    /// <summary>The last layers.</summary>
    Layer,
}
