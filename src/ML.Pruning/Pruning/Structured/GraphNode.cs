namespace ML.Pruning.Pruning.Structured;

/// <summary>A row of neurons in a model's data flow: the outputs or the inputs of a linear map, or the channels of an
/// operator that works channel by channel (norm, activation, product, sum) or head by head (attention).</summary>
/// <param name="name">For the reader of explanations.</param>
/// <param name="layer">Layer, from 0, or -1.</param>
/// <param name="units">Neurons; a head is one.</param>
/// <param name="kind">What its neurons are, where the operator says so.</param>
internal sealed class GraphNode(string name, int layer, int units, GroupKind? kind = null)
{
    private readonly List<GraphNode> _inputs = [];
    private readonly List<GraphNode> _outputs = [];
    private readonly List<(string Tensor, int Dimension, int Width)> _parameters = [];

    public string Name { get; } = name;

    public int Layer { get; } = layer;

    public int Units { get; } = units;

    public GroupKind? Kind { get; } = kind;

    /// <summary>What feeds it, connection by connection.</summary>
    public IReadOnlyList<GraphNode> Inputs => _inputs;

    /// <summary>What it feeds.</summary>
    public IReadOnlyList<GraphNode> Outputs => _outputs;

    /// <summary>The parameters that belong to its neurons: neuron u owns the entries [u width, (u + 1) width) along the
    /// dimension.</summary>
    public IReadOnlyList<(string Tensor, int Dimension, int Width)> Parameters => _parameters;

    /// <summary>Connects this node to one that it feeds, neuron by neuron; where the numbers differ, a neuron of the
    /// smaller one goes with consecutive neurons of the other.</summary>
    public GraphNode Feed(GraphNode next)
    {
        if (Math.Max(Units, next.Units) % Math.Min(Units, next.Units) != 0)
        {
            throw new PruningException($"'{Name}' has {Units} neurons and '{next.Name}' {next.Units}; they cannot be "
                + "told apart into groups.");
        }

        _outputs.Add(next);
        next._inputs.Add(this);
        return next;
    }

    /// <summary>Gives the neurons their share of a parameter.</summary>
    public void Own(string tensor, int dimension, int width) => _parameters.Add((tensor, dimension, width));
}
