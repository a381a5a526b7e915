// What the page of the IDE is made with, bundled by `python -m scripts.vendor_ide`.
import 'graphiql/graphiql.css'
export { createGraphiQLFetcher } from '@graphiql/toolkit'
export { GraphiQL } from 'graphiql'
export { createElement } from 'react'
export { createRoot } from 'react-dom/client'
