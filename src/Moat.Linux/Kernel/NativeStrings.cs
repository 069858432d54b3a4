using System.Runtime.InteropServices;
using System.Text;

namespace Moat.Linux;

/// <summary>NUL-terminated strings and vectors of them, made before a fork because nothing may be allocated after it.</summary>
public sealed unsafe class NativeStrings : IDisposable
{
    private readonly List<nint> owned = [];

    public byte* String(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var memory = (byte*)NativeMemory.Alloc((nuint)length + 1);
        Encoding.UTF8.GetBytes(text, new Span<byte>(memory, length));
        memory[length] = 0;
        owned.Add((nint)memory);
        return memory;
    }

    public byte** Vector(IReadOnlyList<string> texts)
    {
        var vector = (byte**)NativeMemory.Alloc((nuint)(texts.Count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Count; i++) vector[i] = String(texts[i]);
        vector[texts.Count] = null;
        owned.Add((nint)vector);
        return vector;
    }

    public void Dispose()
    {
        foreach (var memory in owned) NativeMemory.Free((void*)memory);
        owned.Clear();
    }
}
