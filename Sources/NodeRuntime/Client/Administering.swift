import ClusterModel
import EventLoop
import LineProtocol

/// Commands that change the cluster.
extension ClientSession {
    func remove(_ id: NodeID) {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            do throws(ReplyError) { answer(try node.remove(id)) } catch { answer(error) }
        }
    }

    func rebuild() {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            do throws(ReplyError) { answer(try node.rebuild()) } catch { answer(error) }
        }
    }

    func promote(force: Bool) {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            node.promote(force: force) { [self] result in
                switch result {
                case .success(let fields): answer(fields)
                case .failure(let error): answer(error)
                }
            }
        }
    }

    func switchOver(to id: NodeID?) {
        ifAdministrator { [self] error in
            if let error { return answer(error) }
            node.switchOver(to: id) { [self] result in
                switch result {
                case .success(let fields): answer(fields)
                case .failure(let error): answer(error)
                }
            }
        }
    }
}
