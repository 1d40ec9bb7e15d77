namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>What an element-wise step of the kernels does to a value v. The numbers are those of the native
/// library.</summary>
internal enum PointOperation
{
    /// <summary>v = a v + b.</summary>
    Affine = 0,

    /// <summary>v = min(max(v, a), b).</summary>
    Clamp = 1,

    /// <summary>v = a v where v is below 0.</summary>
    Leaky = 2,

    /// <summary>Remembers v.</summary>
    Save = 3,

    /// <summary>v = v times what was remembered.</summary>
    Times = 4,
}

/// <summary>An element-wise step of the kernels.</summary>
/// <param name="Operation">What it does.</param>
/// <param name="A">Its first number.</param>
/// <param name="B">Its second number.</param>
internal readonly record struct PointStep(PointOperation Operation, float A = 0, float B = 0)
{
    /// <summary>The attributes of a node with steps.</summary>
    /// <param name="steps">The steps.</param>
    public static OnnxAttribute[] ToAttributes(IReadOnlyList<PointStep> steps) =>
    [
        ("step_ops", steps.Select(step => (long)step.Operation).ToArray()),
        ("step_numbers", steps.SelectMany(step => new[] { step.A, step.B }).ToArray()),
    ];
}
