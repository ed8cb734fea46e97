-- Run by neovim.test.ts in a folder with a buildspec.yml: what the built-in client of Neovim sees is written as JSON.
-- Nothing newer than Neovim 0.7 (Debian 12).
local function main()
  local id = vim.lsp.start_client({
    name = "kiln",
    cmd = { vim.env.KILN_NODE, vim.env.KILN_MAIN, "lsp", "--stdio" },
    root_dir = vim.fn.getcwd(),
    workspace_folders = { { uri = vim.uri_from_fname(vim.fn.getcwd()), name = "source" } },
  })
  assert(id, "the client did not start")
  vim.cmd("edit buildspec.yml")
  assert(vim.lsp.buf_attach_client(0, id))
  local client = vim.lsp.get_client_by_id(id)

  local function codes()
    return vim.tbl_map(function(found) return found.code end, vim.diagnostic.get(0))
  end
  local function until_true(what, test)
    assert(vim.wait(60000, test, 20), "timed out: " .. what)
  end
  until_true("diagnostics", function() return #vim.diagnostic.get(0) > 0 end)

  local function ask(method, params)
    local answer, reason = client.request_sync(method, params, 60000, 0)
    assert(answer, reason)
    assert(not answer.err, vim.inspect(answer.err))
    return answer.result
  end
  -- The cursor's column counts bytes; the client makes the protocol's UTF-16 units of it.
  local function at(line, text)
    local column = vim.fn.getline(line):find(text, 1, true)
    vim.api.nvim_win_set_cursor(0, { line, column })
    return vim.lsp.util.make_position_params(0, client.offset_encoding)
  end

  local seen = {}
  seen.diagnostics = vim.tbl_map(function(found)
    return { code = found.code, lnum = found.lnum, col = found.col, severity = found.severity }
  end, vim.diagnostic.get(0))
  seen.hover = ask("textDocument/hover", at(8, "$STAGE")).contents.value
  local definition = ask("textDocument/definition", at(8, "$STAGE"))[1]
  seen.definition = {
    uri = definition.uri or definition.targetUri,
    line = (definition.range or definition.targetSelectionRange).start.line,
  }
  seen.symbols = vim.tbl_map(function(symbol)
    return symbol.text:gsub("^%[.-%] ", "")
  end, vim.lsp.util.symbols_to_items(ask("textDocument/documentSymbol", { textDocument = vim.lsp.util.make_text_document_params() }), 0))

  vim.api.nvim_win_set_cursor(0, { 7, 5 })
  local range = vim.lsp.util.make_range_params(0, client.offset_encoding)
  range.context = { diagnostics = {}, only = { "quickfix" } }
  for _, action in ipairs(ask("textDocument/codeAction", range)) do
    if action.isPreferred then
      if not action.edit then action = ask("codeAction/resolve", action) end
      vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
    end
  end
  until_true("the finding to go away", function() return not vim.tbl_contains(codes(), "buildspec/unknown-key") end)
  seen.fixed = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  seen.after = codes()
  seen.labels = vim.tbl_map(function(item) return item.label end, ask("textDocument/completion", at(8, "STAGE")).items)
  seen.messages = vim.fn.execute("messages")

  client.stop()
  until_true("the server to end", function() return client.is_stopped() end)
  vim.fn.writefile({ vim.json.encode(seen) }, vim.env.KILN_SEEN)
end

local is_done, reason = xpcall(main, debug.traceback)
if not is_done then
  io.stderr:write(reason .. "\n")
  vim.cmd("cquit")
end
vim.cmd("qall!")
