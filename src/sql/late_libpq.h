#pragma once

// libpq, loaded when it is first needed: it and what it brings along (Kerberos, LDAP) would more than
// double the start of every command that never asks a server anything. The functions are libpq's own
// without their PQ: pq().status(connection). For .cc files only.

#include <libpq-fe.h>

#define DBM_LIBPQ_FUNCTIONS(X) \
  X(clear) X(cmdTuples) X(connectPoll) X(connectStartParams) \
  X(consumeInput) X(enterPipelineMode) X(errorMessage) \
  X(escapeIdentifier) X(escapeLiteral) X(exec) X(execParams) X(exitPipelineMode) X(finish) \
  X(flush) X(freemem) X(getResult) X(getisnull) X(getlength) X(getvalue) X(isBusy) X(libVersion) \
  X(nfields) X(ntuples) X(pipelineSync) X(resultErrorField) X(resultErrorMessage) \
  X(resultStatus) X(sendQuery) X(sendQueryParams) X(serverVersion) X(setErrorVerbosity) \
  X(setNoticeProcessor) X(setnonblocking) X(socket) X(status) X(transactionStatus)

namespace dbm::sql {

struct Libpq {
#define DBM_MEMBER(name) decltype(&::PQ##name) name = nullptr;
  DBM_LIBPQ_FUNCTIONS(DBM_MEMBER)
#undef DBM_MEMBER
};

/// Null when this machine has no libpq.so.5, or one without pipelines (before PostgreSQL 14). Any
/// thread; loaded once.
const Libpq* load_libpq();

/// For who holds a connection: it is loaded then.
inline const Libpq& pq() {
  static const Libpq& loaded = *load_libpq();
  return loaded;
}

}  // namespace dbm::sql
