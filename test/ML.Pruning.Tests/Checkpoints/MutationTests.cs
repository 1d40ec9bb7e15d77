using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class MutationTests
{
    [TestMethod]
    public void Open_MutatedFiles_ThrowOnlyFormatErrors()
    {
        const int Cases = 2000;
        float[] sparse = new float[40 * 11];
        for (int i = 0; i < sparse.Length; i += 3)
            sparse[i] = i;
        using var original = new MemoryStream();
        SafetensorsWriter.Write(
            original,
            [
                .. BitmaskCodec.Compress(new ArrayTensor("w", sparse, [40, 11])),
                new ArrayTensor("h", sparse, [440], TensorType.F16),
                .. QuantizedCodec.Encode(
                    QuantizedTensor.Of("q", 10, new byte[20], new float[] { 1, 2 }, new Int8PerRow())),
                .. QuantizedCodec.Encode(
                    QuantizedTensor.Of("p", 10, new byte[20], new float[] { 1, 2, 3, 4 }, new Int4Groups(8))),
            ],
            new Dictionary<string, string> { ["format"] = "pt" });
        byte[] good = original.ToArray();
        using var folder = new TestFolder();
        var random = new Random(20);
        int refused = 0;
        for (int i = 0; i < Cases; i++)
        {
            string path = folder.Write("m", Mutate(good, random));
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(path);
                foreach (StoredTensor tensor in CompressedCheckpoint.Read(file.Tensors).Values)
                    ReadAll(tensor);
            }
            catch (CheckpointFormatException e)
            {
                refused++;
                Assert.DoesNotContain("\n", e.Message);
            }
        }
        // Flips in values are legal; most others are not.
        Assert.IsInRange(Cases / 4, Cases - 1, refused);
    }

    private static void ReadAll(StoredTensor tensor)
    {
        if (tensor.Type.IsConvertible())
            Assert.AreEqual(tensor.ElementCount, tensor.ToArray().Length);
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
    }

    private static byte[] Mutate(byte[] good, Random random)
    {
        byte[] bytes = [.. good];
        int header = 8 + (int)BitConverter.ToInt64(good);
        switch (random.Next(4))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                bytes[random.Next(header)] = (byte)"0123456789{}[]\",:-eIFU"[random.Next(22)];
                return bytes;
            default:
                int from = random.Next(header);
                int to = random.Next(header);
                int count = Math.Min(random.Next(1, 30), header - Math.Max(from, to));
                good.AsSpan(from, count).CopyTo(bytes.AsSpan(to));
                return bytes;
        }
    }
}
