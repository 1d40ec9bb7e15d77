using System.Text;

namespace TorchSharp.PInvoke;

/// <summary>An ATen operator, found once by its schema name (see native_functions.yaml of libtorch).</summary>
internal sealed unsafe class Operator(string name, string overload = "")
{
    private const int StackBytes = 1024;

    private nint _handle;

    private nint Handle
    {
        get
        {
            if (_handle == 0)
                _handle = Shim.CheckHandle(Shim.ts_operator("aten::" + name, overload));
            return _handle;
        }
    }

    /// <summary>Calls the operator for its only result, a tensor (null if libtorch leaves it undefined).</summary>
    internal torch.Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        var results = Run(arguments);
        return results.Length == 1 ? ToTensor(results[0]) : throw Unexpected(results.Length, 1);
    }

    internal (torch.Tensor, torch.Tensor) CallPair(params ReadOnlySpan<Argument> arguments)
    {
        var results = Run(arguments);
        return results.Length == 2 ? (ToTensor(results[0]), ToTensor(results[1])) : throw Unexpected(results.Length, 2);
    }

    internal (torch.Tensor, torch.Tensor, torch.Tensor) CallTriple(params ReadOnlySpan<Argument> arguments)
    {
        var results = Run(arguments);
        return results.Length == 3
            ? (ToTensor(results[0]), ToTensor(results[1]), ToTensor(results[2]))
            : throw Unexpected(results.Length, 3);
    }

    internal torch.Tensor[] CallList(params ReadOnlySpan<Argument> arguments)
    {
        // Copied first: a tensor's construction may not disturb the results, but a list is long enough to care.
        var results = Run(arguments).ToArray();
        return Array.ConvertAll(results, ToTensor);
    }

    internal Scalar CallScalar(params ReadOnlySpan<Argument> arguments)
    {
        var results = Run(arguments);
        if (results.Length != 1)
            throw Unexpected(results.Length, 1);
        return results[0].Tag switch
        {
            ValueTag.Double => results[0].Real,
            ValueTag.Bool => results[0].Integer != 0,
            ValueTag.Int => results[0].Integer,
            var tag => throw new InvalidOperationException($"Operator {name} returned a {tag}, not a number."),
        };
    }

    /// <summary>Calls an in-place operator on <paramref name="self"/> and returns that same object.</summary>
    internal torch.Tensor Apply(torch.Tensor self, params ReadOnlySpan<Argument> arguments)
    {
        var all = new Argument[arguments.Length + 1];
        all[0] = self;
        arguments.CopyTo(all.AsSpan(1));
        foreach (var result in Run(all))
            Release(result);
        return self;
    }

    private static torch.Tensor ToTensor(NativeValue value) => value.Tag != ValueTag.Tensor
        ? throw new InvalidOperationException($"The operator returned a {value.Tag}, not a tensor.")
        : value.Pointer == 0 ? null : new torch.Tensor(value.Pointer);

    private static void Release(NativeValue value)
    {
        if (value.Tag == ValueTag.Tensor && value.Pointer != 0)
            Shim.ts_free(value.Pointer);
    }

    private InvalidOperationException Unexpected(int got, int expected) =>
        new($"Operator {name} returned {got} results instead of {expected}.");

    /// <summary>The results are valid until this thread's next call.</summary>
    private ReadOnlySpan<NativeValue> Run(ReadOnlySpan<Argument> arguments)
    {
        int bytes = SizeOfPayloads(arguments);
        Span<long> payload = bytes <= StackBytes ? stackalloc long[StackBytes / 8] : new long[(bytes + 7) / 8];
        int slots = Math.Max(arguments.Length, 1);
        Span<NativeValue> values = slots <= 16 ? stackalloc NativeValue[slots] : new NativeValue[slots];
        NativeValue* results;
        int count;
        fixed (long* start = payload)
        fixed (NativeValue* first = values)
        {
            Marshal(arguments, values, (byte*)start);
            count = Shim.ts_call(Handle, first, arguments.Length, &results);
        }
        foreach (ref readonly var argument in arguments)
        {
            GC.KeepAlive(argument.Reference);
        }
        Shim.Check(count);
        return new ReadOnlySpan<NativeValue>(results, count);
    }

    private static int SizeOfPayloads(ReadOnlySpan<Argument> arguments)
    {
        int bytes = 0;
        foreach (ref readonly var argument in arguments)
        {
            bytes = checked(bytes + argument.Reference switch
            {
                long[] list => list.Length * 8,
                torch.Tensor[] list => list.Length * 8,
                string text => Encoding.UTF8.GetMaxByteCount(text.Length) + 7,
                _ => 0,
            });
        }
        return bytes;
    }

    private static void Marshal(ReadOnlySpan<Argument> arguments, Span<NativeValue> values, byte* payload)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            ref readonly var argument = ref arguments[i];
            ref var value = ref values[i];
            value = new NativeValue { Tag = argument.Tag };
            switch (argument.Tag)
            {
                case ValueTag.Tensor:
                    value.Pointer = ((torch.Tensor)argument.Reference).Handle;
                    break;
                case ValueTag.Generator:
                    value.Pointer = ((torch.Generator)argument.Reference).Handle;
                    break;
                case ValueTag.Int or ValueTag.Bool:
                    value.Integer = argument.Integer;
                    break;
                case ValueTag.Double:
                    value.Real = argument.Real;
                    break;
                case ValueTag.Ints or ValueTag.Tensors or ValueTag.String:
                    value.Pointer = (nint)payload;
                    value.Count = Write(argument.Reference, ref payload);
                    break;
            }
        }
    }

    /// <summary>Writes a list or string to the payload, keeps it 8-byte aligned, and returns the length.</summary>
    private static int Write(object reference, ref byte* payload)
    {
        switch (reference)
        {
            case long[] list:
                list.CopyTo(new Span<long>(payload, list.Length));
                payload += list.Length * 8;
                return list.Length;
            case torch.Tensor[] list:
                for (int i = 0; i < list.Length; i++)
                    ((nint*)payload)[i] = list[i]?.Handle ?? 0;
                payload += list.Length * 8;
                return list.Length;
            default:
                var text = (string)reference;
                int capacity = Encoding.UTF8.GetMaxByteCount(text.Length);
                int length = Encoding.UTF8.GetBytes(text, new Span<byte>(payload, capacity));
                payload += (length + 7) / 8 * 8;
                return length;
        }
    }
}
