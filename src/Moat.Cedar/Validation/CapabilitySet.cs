using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>What may be taken for granted where an expression stands: the questions after attributes and tags that were answered with yes, by their shapes.</summary>
internal readonly struct CapabilitySet
{
    private readonly ImmutableHashSet<int>? shapes;

    private CapabilitySet(ImmutableHashSet<int> shapes) => this.shapes = shapes;

    public static CapabilitySet Of(int shape) => new([shape]);

    public bool Contains(int shape) => shapes is not null && shapes.Contains(shape);

    public CapabilitySet Union(CapabilitySet other)
    {
        if (shapes is null) return other;
        return other.shapes is null ? this : new CapabilitySet(shapes.Union(other.shapes));
    }

    public CapabilitySet Intersect(CapabilitySet other) => shapes is null || other.shapes is null ? default : new CapabilitySet(shapes.Intersect(other.shapes));
}
