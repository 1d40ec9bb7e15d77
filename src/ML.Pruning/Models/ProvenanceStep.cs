using System.Reflection;
using System.Text.Json.Nodes;

namespace ML.Pruning.Models;

/// <summary>One thing that was done to a model.</summary>
/// <param name="Stage">What was done, such as <c>prune</c> or <c>lora</c>.</param>
/// <param name="Method">The method, such as <c>wanda</c>.</param>
/// <param name="Options">Every option that influences the result, seed and data hash included.</param>
/// <param name="Version">Version of this library.</param>
public sealed record ProvenanceStep(string Stage, string Method, JsonObject Options, string Version)
{
    // Without the source revision that builds append to it.
    private static readonly string s_version = typeof(ProvenanceStep).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>A step done by this version of the library.</summary>
    /// <param name="stage">What was done.</param>
    /// <param name="method">The method.</param>
    /// <param name="options">Every option that influences the result.</param>
    /// <returns>The step.</returns>
    public static ProvenanceStep Now(string stage, string method, JsonObject options) =>
        new(stage, method, options, s_version);
}
