using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

/// <summary>The row classes and helpers that the tests of the ML.NET pipeline share.</summary>
internal sealed class Review
{
    public float Id { get; set; }

    public string Text { get; set; } = "";

    [VectorType(3)]
    public float[] Features { get; set; } = [0, 0, 0];

    public static Review[] Many(int count) =>
        [.. Enumerable.Range(0, count).Select(Number)];

    private static Review Number(int i) => new() { Id = i, Text = $"t{i}", Features = [i, 2 * i, 3 * i] };
}

internal sealed class IdRow
{
    public float Id { get; set; }
}

/// <summary>A reference that travels as a column, as a language model does.</summary>
internal sealed class Gadget(string name)
{
    public string Name => name;
}

internal sealed class GadgetDataViewType : StructuredDataViewType
{
    public GadgetDataViewType() : base(typeof(Gadget))
    {
    }

    public override bool Equals(DataViewType? other) => other is GadgetDataViewType;

    public override bool Equals(object? other) => Equals(other as DataViewType);

    public override int GetHashCode() => typeof(GadgetDataViewType).GetHashCode();
}

[AttributeUsage(AttributeTargets.Property)]
internal sealed class GadgetTypeAttribute : DataViewTypeAttribute
{
    public override bool Equals(DataViewTypeAttribute? other) => other is GadgetTypeAttribute;

    public override bool Equals(object? other) => Equals(other as DataViewTypeAttribute);

    public override int GetHashCode() => 0;

    public override void Register() => DataViewTypeManager.Register(new GadgetDataViewType(), typeof(Gadget), this);
}

internal sealed class GadgetRow
{
    [GadgetType]
    public Gadget? Gadget { get; set; }

    public float Id { get; set; }
}

internal static class Pipelines
{
    /// <summary>Estimators that use only public parts of ML.NET: copy, concatenate, select.</summary>
    public static EstimatorChain<Microsoft.ML.Transforms.ColumnSelectingTransformer> CopyConcatSelect(MLContext ml) =>
        ml.Transforms.CopyColumns("Copy", "Id")
            .Append(ml.Transforms.Concatenate("All", "Copy", "Features"))
            .Append(ml.Transforms.SelectColumns("All", "Text"));

    public static float[] Ids(IDataView data) => [.. data.GetColumn<float>("Id")];
}
