using System.Numerics;

namespace Microsoft.ML.Runtime;

internal static class RandomUtils
{
    internal static Random Create(int? seed) =>
        seed == null ? new TauswortheHybrid(new Random()) : new TauswortheHybrid((uint)seed.Value);

    internal static Random Create(Random source) => new TauswortheHybrid(source);
}

/// <summary>
/// The real package's generator: three Tausworthe generators and a linear congruential one, combined by exclusive or.
/// </summary>
/// <remarks>
/// As in the real package, Random.NextSingle and Random.Sample are not overridden: on .NET 6 and later these draw from
/// a base class that no seed reaches. Seeded code calls Next or NextDouble.
/// </remarks>
internal sealed class TauswortheHybrid : Random
{
    private uint _z1;
    private uint _z2;
    private uint _z3;
    private uint _z4;

    internal TauswortheHybrid(uint seed)
    {
        _z1 = seed;
        _z2 = MurmurRound(_z1, _z1);
        _z3 = MurmurRound(_z2, _z1);
        _z4 = MurmurRound(_z3, _z1);
    }

    internal TauswortheHybrid(Random source)
    {
        _z1 = DrawSeed(source);
        _z2 = DrawSeed(source);
        _z3 = DrawSeed(source);
        _z4 = Draw(source);
    }

    public override int Next()
    {
        uint u = NextState();
        return (int)(u + (u & 0x80000000U));
    }

    public override int Next(int maxValue)
    {
        Contracts.CheckParam(maxValue >= 0, nameof(maxValue), "maxValue must be non-negative");
        return (int)((NextState() * (ulong)maxValue) >> 32);
    }

    public override int Next(int minValue, int maxValue)
    {
        Contracts.CheckParam(minValue <= maxValue, nameof(minValue),
            "minValue must be less than or equal to maxValue.");
        long range = (long)maxValue - minValue;
        return (int)((long)(NextDouble() * range) + minValue);
    }

    public override double NextDouble() => NextState() / 4294967296.0;

    public override void NextBytes(byte[] buffer)
    {
        Contracts.CheckValue(buffer, nameof(buffer));
        for (int i = 0; i < buffer.Length; i++) buffer[i] = (byte)Next();
    }

    private static uint Draw(Random source) => ((uint)source.Next(0x10000) << 16) | (uint)source.Next(0x10000);

    /// <summary>A Tausworthe state below 128 would lose its period.</summary>
    private static uint DrawSeed(Random source)
    {
        uint u;
        do u = Draw(source);
        while (u < 128);
        return u;
    }

    private static uint MurmurRound(uint hash, uint chunk)
    {
        uint key = BitOperations.RotateLeft(chunk * 0xCC9E2D51, 15) * 0x1B873593;
        return BitOperations.RotateLeft(hash ^ key, 13) * 5 + 0xE6546B64;
    }

    private static uint Tausworthe(uint z, int s1, int s2, int s3, uint mask) =>
        ((z & mask) << s3) ^ (((z << s1) ^ z) >> s2);

    private uint NextState()
    {
        _z1 = Tausworthe(_z1, 13, 19, 12, ~1U);
        _z2 = Tausworthe(_z2, 2, 25, 4, ~7U);
        _z3 = Tausworthe(_z3, 3, 11, 17, ~15U);
        _z4 = _z4 * 1664525 + 1013904223;
        return _z1 ^ _z2 ^ _z3 ^ _z4;
    }
}
