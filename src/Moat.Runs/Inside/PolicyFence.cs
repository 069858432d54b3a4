using Moat.Audit;
using Moat.Linux.Confinement;
using Moat.Policy;
using Moat.Sandboxes;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>Brings a policy over files and programs and the sandbox that is to hold it together.</summary>
internal static class PolicyFence
{
    /// <exception cref="MoatException">A statement cannot be held.</exception>
    public static KernelRules? Lower(RunSpec spec, IEnumerable<SandboxFile> files)
    {
        if (spec.Policy is null) return null;
        var places = new SandboxPlaces(spec, files.Select(static file => file.Path));
        return PolicyStart.Lower(spec, new FileView
        {
            Areas = [.. places.Areas.Select(area => new FileArea(area.Path, Base(area, places.Look(area.Path).Folder), area.IsKernel))],
            Kind = path => places.Look(path) switch { (false, _) => PlaceKind.Absent, (_, true) => PlaceKind.Folder, _ => PlaceKind.File },
            Ambiguity = places.Ambiguity,
            OtherName = places.OtherName,
        }, Landlock.Abi);
    }

    public static FileFence Of(KernelRules rules) => new(
        [.. rules.Grants.Select(static grant => (grant.Path, Use(grant.Rights)))],
        [.. rules.Masks.Select(static mask => (mask.Path, mask.Hidden))],
        rules.Pins);

    public static AuditPayload Payload(KernelRules rules) => AuditPayload.Create()
        .Add("actions", rules.Actions).Add("grants", rules.Grants.Length).Add("masks", rules.Masks.Length).Add("pins", rules.Pins.Length).Add("rung", "landlock");

    private static FileRights Base(SandboxArea area, bool folder) => area.Access switch
    {
        SandboxAccess.ReadOnly => FileRights.Read | FileRights.Execute,
        SandboxAccess.Write when folder => FileRights.All,
        _ => FileRights.Read | FileRights.Write | FileRights.Execute,
    };

    private static LandlockUse Use(FileRights rights) =>
        Of(rights, FileRights.Read, LandlockUse.Read) | Of(rights, FileRights.Write, LandlockUse.Write) | Of(rights, FileRights.Create, LandlockUse.Create)
        | Of(rights, FileRights.Delete, LandlockUse.Delete) | Of(rights, FileRights.Execute, LandlockUse.Execute);

    private static LandlockUse Of(FileRights rights, FileRights one, LandlockUse use) => (rights & one) != 0 ? use : 0;
}
