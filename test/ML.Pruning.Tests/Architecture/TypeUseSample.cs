namespace ML.Pruning.Tests.Architecture;

/// <summary>Names a type in each way that <see cref="TypeUseReader"/> has to see; a test counts them.</summary>
internal sealed class TypeUseSample : MarshalByRefObject
{
    [System.ComponentModel.ReadOnly(true)]
    private readonly List<Uri?> _field = [];

    public int Body(int branch)
    {
        // A jump table, an eight-byte constant and a two-byte operation code: each has its own length.
        long start = branch switch
        {
            0 => long.MaxValue,
            1 => _field.Count,
            2 => 20,
            3 => 30,
            4 => 40,
            _ => 0,
        };
        var local = Activator.CreateInstance<Version>();
        return start == local.Major ? Console.Out.GetHashCode() : typeof(TypeUse).GetHashCode();
    }
}
