extension NodeSettings {
    /// The settings of a node: flags win over the file, the file over the defaults.
    ///
    /// `file` is read only when it is named, up to 1 MiB, as are the secrets' files that it names. All problems come at once.
    package static func load(file: String?, flags: Flags) -> Result<NodeSettings, ConfigProblems> {
        guard let file else { return load(bytes: nil, source: nil, isOpenToOthers: false, flags: flags) }
        do throws(FileContent.Failure) {
            let content = try FileContent.read(file, bytesMax: JSONReader.bytesMax)
            return load(bytes: content.bytes, source: file, isOpenToOthers: content.isOpenToOthers, flags: flags)
        } catch {
            var draft = SettingsDraft(source: file)
            draft.refuseFile(error.words)
            draft.take(flags)
            return .failure(ConfigProblems(draft.problems))
        }
    }

    /// The same for a file that is read already.
    static func load(bytes: [UInt8]?, source: String?, isOpenToOthers: Bool, flags: Flags) -> Result<NodeSettings, ConfigProblems> {
        var draft = SettingsDraft(source: source)
        if let bytes { draft.take(file: bytes) }
        draft.take(flags)
        if draft.isWhole {
            draft.check()
            draft.checkFile(isOpenToOthers: isOpenToOthers)
        }
        return draft.problems.isEmpty ? .success(draft.settings) : .failure(ConfigProblems(draft.problems))
    }
}
