using System.Text.Json.Nodes;

namespace ML.Pruning.Inference;

/// <summary>What the nodes of one operator took of a run, as ONNX Runtime's profiler tells.</summary>
/// <param name="Operator">The operator; <c>SparseMatMul</c> and <c>SparseConv</c> are the kernels.</param>
/// <param name="Nodes">Nodes that ran, in one run.</param>
/// <param name="Microseconds">Their time, the mean of the runs.</param>
/// <param name="Share">Their share of the time of all nodes, in [0, 1].</param>
public sealed record OperatorTime(string Operator, int Nodes, double Microseconds, double Share)
{
    /// <summary>The time of operators as JSON.</summary>
    /// <param name="times">The operators.</param>
    /// <returns>A list of objects with operator, nodes, microseconds and share.</returns>
    public static JsonArray ToJson(IReadOnlyList<OperatorTime> times)
    {
        ArgumentNullException.ThrowIfNull(times);
        return new JsonArray([.. times.Select(time => (JsonNode)new JsonObject
        {
            ["operator"] = time.Operator,
            ["nodes"] = time.Nodes,
            ["microseconds"] = time.Microseconds,
            ["share"] = time.Share,
        })]);
    }
}
